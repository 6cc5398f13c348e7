"""What objectives share: losses, and how a model gets its attention. These modules import torch."""
