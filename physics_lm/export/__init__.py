"""Export of a run: folders for the Hugging Face hub, and tasks for lm-evaluation-harness."""
