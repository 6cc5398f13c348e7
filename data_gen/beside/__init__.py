"""What a corpus tells of besides the run's own people (Part 3.1, section 4.3): the settings of each kind.

The entries are made by data_gen.corpus.auxiliary.
"""
