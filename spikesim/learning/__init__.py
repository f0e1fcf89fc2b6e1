"""The wing for models that learn: what a published model needs besides its equations.

A model is one file with equations as bodies, parameters that are declared once, the arrays of a
layer and the order of a step. From here it gets training, files, recordings, commands and measures.

| module       | holds                                                                  |
|--------------|------------------------------------------------------------------------|
| `parameters` | constants: default, meaning, unit, bounds; messages and options follow |
| `layers`     | layers, and how the names that a body reads become its arrays          |
| `model`      | `LayeredModel` and its copies of the dynamics                          |
| `images`     | `ImageModel`: fit, predict, record, update, gradient                   |
| `patterns`   | `PatternModel`: fit, train, predict, evaluate, record; spikes in time   |
| `examples`   | `ExampleModel`: populations that learn a few examples from a teacher    |
| `windows`    | when which output is to spike, as a target                             |
| `tasks`      | what such a model is to learn, for how long                            |
| `forward`    | the forward pass of rate networks, its outputs and losses              |
| `updates`    | minibatches and optimisers                                             |
| `alignment`  | how far a rule's updates are from those of backpropagation             |
"""
