"""Models that learn: what a published model needs besides its equations.

A model is one file. It has the equations as bodies, parameters that are declared once, the arrays
of a layer and the order of a step. This package gives it training, files, recordings, commands and
measures.

| module       | holds                                                                  |
|--------------|------------------------------------------------------------------------|
| `parameters` | constants: default, meaning, unit, bounds; messages and options follow |
| `layers`     | layers, and how the names that a body reads lead to arrays             |
| `model`      | `LayeredModel` and its copies of the dynamics                          |
| `images`     | `ImageModel`: fit, predict, record, update, gradient                   |
| `patterns`   | `PatternModel`: fit, train, predict, evaluate, record; spikes in time   |
| `examples`   | `ExampleModel`: populations that learn a few examples from a teacher    |
| `windows`    | targets that say which output is to spike when                         |
| `tasks`      | what a `PatternModel` is to learn, and for how long                    |
| `forward`    | the forward pass of rate networks, its outputs and losses              |
| `updates`    | minibatches and optimisers                                             |
| `properties` | what biology would have to provide for a rule                          |
| `alignment`  | how far a rule's updates are from those of backpropagation             |
| `performance` | what a network costs and withstands, and how soon it had learned       |
"""
