"""Launchers and the sweeper of the lab, found by Hydra's own plugin mechanism."""
