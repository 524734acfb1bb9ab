"""Where labelled pictures come from: one module a kind of data set, each returning data.LabelledImages."""
