"""Looking at values: how much, where they lie outside their sets, labels that do not agree."""
