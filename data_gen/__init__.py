"""What the models read and are asked: worlds of people, their biographies, questions about them."""
