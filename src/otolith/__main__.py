"""`python -m otolith`: the same as the `otolith` command."""

from otolith.cli import main

if __name__ == "__main__":
    main()
