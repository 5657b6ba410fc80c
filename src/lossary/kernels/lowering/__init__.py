"""From a traced formula to stages of loops over outputs, whatever target they are printed for."""
