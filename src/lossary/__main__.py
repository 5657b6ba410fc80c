"""``python -m lossary`` is the ``lossary`` command."""

from .cli import main

if __name__ == "__main__":
    main()
