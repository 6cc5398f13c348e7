"""The lab's launchers and its sweeper, which Hydra's plugin mechanism finds."""
