"""How commands become runs: the config, the arms of a figure, jobs, sweeps with their ledger, and a figure's files."""
