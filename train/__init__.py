"""Training, evaluation and publication of generators; `python -m train --help` lists the commands."""
