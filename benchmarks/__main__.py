"""Entry point of ``python -m benchmarks``."""

from benchmarks.run import main

# Workers import this module too, when they start.
if __name__ == "__main__":
    main()
