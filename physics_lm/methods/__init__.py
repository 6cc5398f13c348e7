"""Fine-tuning methods that train other parameters than the model's own."""
