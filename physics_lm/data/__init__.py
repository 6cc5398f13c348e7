"""Training data as token ids: tokenizers, entries, questions and facts, and the batches cut from them."""
