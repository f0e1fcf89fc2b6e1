"""What biology would have to provide for a learning rule, as its model declares it."""

from __future__ import annotations

from typing import NamedTuple

from spikesim.checks import check_unknown

__all__ = ["HasProperties", "Properties", "knowing"]

WORDS = "pre post dendrite reward weights past".split()  # noqa: SIM905 - texts that are names of models stand in no list here


class Properties(NamedTuple):
    """What a learning rule needs besides neurons and synapses that see their own activity.

    Attributes
    ----------
    weight_transport : bool
        Feedback has to know forward weights, or their signs, as they are now. Feedback that learns
        to resemble them does not; nor does a copy that was made before learning began.
    phases : int
        How many separate phases an example takes: 2 for free and clamped, without and with a
        teacher, or without and with noise; 1 if the rule has none.
    signed_errors : bool
        Units send each other errors of either sign. Rates, spikes and bursts are no errors, nor
        are targets.
    dale : bool
        Every unit excites, or inhibits.
    knows : tuple of str
        What a synapse onto a hidden unit has to know: "pre" and "post", activity on its two sides;
        "dendrite", what arrives from above in a dendrite, or another signal, of its own
        postsynaptic cell; "reward", one number that is the same for all; "weights" of other
        synapses; "past", activity of an earlier phase, or a trace of it. Empty if hidden layers do
        not learn.
    online : bool
        Every example changes weights by itself, without a batch.

    Examples
    --------
    >>> from spikesim.models.feedback_alignment import FeedbackAlignment
    >>> FeedbackAlignment((4, 3, 2), feedback="random").properties().weight_transport
    False
    """

    weight_transport: bool
    phases: int = 1
    signed_errors: bool = False
    dale: bool = False
    knows: tuple[str, ...] = ()
    online: bool = True


def knowing(*words: str, **if_so: bool) -> tuple[str, ...]:
    """What `Properties.knows` has: all words, and the names of those arguments that are true.

    Parameters
    ----------
    *words : str
    **if_so : bool

    Returns
    -------
    tuple of str
        In the order in which `Properties` explains them.

    Raises
    ------
    InputError
        If `Properties` does not explain a word.

    Examples
    --------
    >>> knowing("pre", "post", past=True, weights=False)
    ('pre', 'post', 'past')
    """
    said = {**dict.fromkeys(words, True), **if_so}
    check_unknown("word for what a synapse knows:", said, WORDS)
    return tuple(word for word in WORDS if said.get(word))


class HasProperties:
    """A model that can say what its learning rule needs.

    Examples
    --------
    >>> HasProperties().properties() is None  # this one does not say
    True
    """

    def properties(self) -> Properties | None:
        """What biology would have to provide for the rule; None if the model does not say."""
        return None
