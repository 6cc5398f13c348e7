"""Tables, bars, measures and plot elements that several figures use."""
