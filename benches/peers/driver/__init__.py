"""What `run.py` does, step by step: `prepare` installs and builds, `measure` asks the workers, `report` writes. Only
the standard library: these modules run before anything is installed."""
