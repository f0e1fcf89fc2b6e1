"""Recorded spikes and samples as data, with the statistics and files that are made from them.

A recording of a network still grows; data that was taken out of it after a trial does not. Reading,
counting and exporting are the same for both, and are in this file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from spikesim.attributes import absent, read_only
from spikesim.checks import check_choice, check_neurons, check_steps, show
from spikesim.errors import InputError
from spikesim.extras import needed
from spikesim.nwb import write_nwb
from spikesim.sonata import write_spikes
from spikesim.spiketrains import to_neo
from spikesim.tables import Summary, Table, range_text

if TYPE_CHECKING:
    import neo  # type: ignore[import-untyped]
    import pandas  # type: ignore[import-untyped]

__all__ = ["Rate", "Recorded", "RecordedSamples", "RecordedSpikes", "Spikes"]


class Rate(NamedTuple):
    """The rate of neurons in each bin; ``t, hz = spikes.rate(5.0)`` unpacks it.

    Attributes
    ----------
    t : numpy.ndarray, shape (bins,)
        The middle of each bin, in ms.
    hz : numpy.ndarray, shape (bins,) or (neurons, bins)
        Spikes per second and neuron.
    """

    t: np.ndarray
    hz: np.ndarray


class Recorded:
    """The time over which data was recorded.

    Attributes
    ----------
    name : str
        The name of the population.
    dt : float
        The step in ms.
    """

    name: str
    dt: float
    _origin: int  # the step at which the recording began
    _stretches: Sequence[tuple[int, int]]  # first step and end of each recorded span

    @property
    def t_start(self) -> float:
        """When the recording began, in ms: the time of the network then, or at `clear`."""
        return (self._stretches[0][0] if self._stretches else self._origin) * self.dt

    @property
    def t_stop(self) -> float:
        """When the recording ended, in ms: the time of the network after the last run."""
        return (self._stretches[-1][1] if self._stretches else self._origin) * self.dt

    @property
    def duration(self) -> float:
        """The recorded time, in ms.

        It is ``t_stop - t_start``, minus the time of pauses, and minus that which was skipped if
        the network was set to the state of a later time in between.
        """
        if len(self._stretches) == 1:
            return self.t_stop - self.t_start
        return sum(end - first for first, end in self._stretches) * self.dt

    if not TYPE_CHECKING:  # type checkers know which attributes there are

        def __getattr__(self, name: str) -> Any:
            raise absent(self, name, f"the recording of {self.__dict__.get('name')!r}")

    def stretches(self) -> list[tuple[float, float]]:
        """Start and end of each recorded span, in ms; there are several after a pause."""
        return [(first * self.dt, end * self.dt) for first, end in self._stretches]

    def to_nwb(
        self,
        path: str | Path,
        *,
        start: datetime | None = None,
        network: Any = None,
        subject: Mapping[str, Any] | None = None,
        **metadata: Any,
    ) -> None:
        """Write this to a file of Neurodata Without Borders; needs spikesim[nwb].

        `spikesim.nwb.write_nwb` writes several recordings to one file, and explains the arguments.

        Parameters
        ----------
        path : str or Path
            An existing file is replaced, unless this program has recorded it.
        start : datetime.datetime, optional
            When the session began; by default, now. A time without a time zone is in UTC.
        network : spikesim.Network, optional
            Its parameters are kept in the file.
        subject : dict, optional
            What the network is a model of.
        **metadata
            Texts such as session_description and experimenter.

        Raises
        ------
        InputError
            If pynwb is not installed, nothing was recorded, or an argument cannot be used.
        FileError
            If the file cannot be written.
        """
        if not self._stretches:
            self._check_whole("")
        write_nwb(path, self, start=start, network=network, subject=subject, **metadata)

    def _repr_html_(self) -> str:
        return Summary(repr(self).strip("<>"), *self._tables())._repr_html_()

    def _tables(self) -> list[Table]:
        """The further tables that a notebook shows."""
        return []

    def _check_whole(self, taken_for: str) -> None:
        """Refuse data that covers no time, or not all of the time from its start to its end."""
        if not self._stretches:
            raise InputError(
                f"The recording of {self.name!r} holds no time yet; run the network first."
            )
        for (_, end), (first, _) in zip(self._stretches, self._stretches[1:], strict=False):
            raise InputError(
                f"{self.name!r} was not recorded from {end * self.dt:g} to {first * self.dt:g} ms, "
                f"which {taken_for}; take() or clear() what came before."
            )


class RecordedSpikes(Recorded):
    """Spikes of one population, with statistics and exports.

    Attributes
    ----------
    n : int
        Number of neurons.
    """

    n: int

    @property
    def steps(self) -> np.ndarray:
        """The step of each spike, ascending; for reading only."""
        raise NotImplementedError

    @property
    def i(self) -> np.ndarray:
        """The neuron of each spike, for reading only."""
        raise NotImplementedError

    @property
    def t(self) -> np.ndarray:
        """The time of each spike in ms, ascending: step k has time k dt. For reading only."""
        return read_only(self.steps * self.dt)

    @property
    def count(self) -> np.ndarray:
        """Spikes per neuron."""
        return np.bincount(self.i, minlength=self.n)

    def spike_trains(self) -> list[np.ndarray]:
        """The spike times of each neuron, in ms."""
        order = np.argsort(self.i, kind="stable")
        return np.split(self.t[order], np.cumsum(self.count)[:-1])

    def _tables(self) -> list[Table]:
        count = self.count
        rate = f"{1000.0 * count.mean() / self.duration:g}" if self.duration else ""
        row = [str(self.n), str(count.sum()), rate, str(np.count_nonzero(count == 0))]
        return [Table(["neurons", "spikes", "mean rate (Hz)", "silent neurons"], [row])]

    def rate(self, bin_width: float, *, neurons: Any = None, per_neuron: bool = False) -> Rate:
        """The rate of neurons in each bin.

        Bins begin at `t_start`; a rest at the end that is shorter than a bin is left out.

        Parameters
        ----------
        bin_width : float
            In ms, a multiple of dt.
        neurons : array_like of int, array_like of bool, int or slice, optional
            Which neurons, as in `Network.record`. By default, all of them.
        per_neuron : bool
            Whether to return a row for each neuron instead of their mean.

        Returns
        -------
        Rate
            The middle of each bin (ms), and the rates in Hz.

        Raises
        ------
        InputError
            If an argument cannot be used, or the recorded time is shorter than a bin.

        Examples
        --------
        >>> from spikesim import Network
        >>> net = Network(dt=1.0, backend="python")
        >>> source = net.add_spike_trains("source", 2, times=[1.0, 2.0, 7.0], ids=[0, 0, 1])
        >>> spikes = net.record_spikes(source)
        >>> net.run(10.0)
        >>> t, hz = spikes.rate(5.0)
        >>> t.tolist(), hz.tolist()
        ([2.5, 7.5], [200.0, 100.0])
        """
        width = check_steps("bin_width", bin_width, self.dt, at_least=1)
        which = check_neurons("neurons", neurons, self.n)
        if not 0 < np.unique(which).size == which.size:
            raise InputError(
                f"neurons is {show(neurons)}; it has to name at least one, and none twice."
            )
        check_choice("per_neuron", per_neuron, [True, False])
        steps, i = self.steps, self.i
        self._check_whole("a rate would take for silence")
        first, end = self._stretches[0][0], self._stretches[-1][1]
        bins = (end - first) // width
        if not bins:
            raise InputError(
                f"bin_width is {bin_width:g} ms; it has to be at most what was recorded of "
                f"{self.name!r}, {self.duration:g} ms."
            )
        row = np.full(self.n, -1)
        row[which] = np.arange(which.size) if per_neuron else 0
        bin_of = (steps - first) // width
        kept = (row[i] >= 0) & (bin_of < bins)
        rows = which.size if per_neuron else 1
        cells = row[i[kept]] * bins + bin_of[kept]
        counts = np.bincount(cells, minlength=rows * bins).reshape(rows, bins)
        hz = counts / ((1 if per_neuron else which.size) * width * self.dt / 1000.0)
        t = (first + (np.arange(bins) + 0.5) * width) * self.dt
        return Rate(t, hz if per_neuron else hz[0])

    def isi(self) -> list[np.ndarray]:
        """The intervals from each spike of a neuron to the next, in ms; an array for each neuron.

        None spans time that was not recorded.

        ``np.concatenate(spikes.isi())`` has those of all neurons.

        Examples
        --------
        >>> from spikesim import Network
        >>> net = Network(dt=0.5, backend="python")
        >>> source = net.add_spike_trains("source", 2, times=[1.0, 2.0, 7.0], ids=[0, 0, 0])
        >>> spikes = net.record_spikes(source)
        >>> net.run(10.0)
        >>> [intervals.tolist() for intervals in spikes.isi()]
        [[1.0, 5.0], []]
        """
        neuron, interval = self._intervals()
        ends = np.cumsum(np.bincount(neuron, minlength=self.n))[:-1]
        return np.split(interval, ends)

    def cv(self) -> np.ndarray:
        """The coefficient of variation of each neuron: standard deviation over mean of intervals.

        It is 0 for regular spikes and 1 for a long Poisson train. It is NaN for a neuron with fewer
        than three spikes, or with all spikes in one step.

        Returns
        -------
        numpy.ndarray, shape (n,)

        Examples
        --------
        >>> from spikesim import Network
        >>> net = Network(dt=0.5, backend="python")
        >>> source = net.add_spike_trains("source", 2, times=[0.0, 1.0, 4.0, 5.0], ids=[0, 0, 0, 1])
        >>> spikes = net.record_spikes(source)
        >>> net.run(10.0)
        >>> spikes.cv().tolist()
        [0.5, nan]
        """
        neuron, interval = self._intervals()
        number = np.bincount(neuron, minlength=self.n)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.bincount(neuron, interval, self.n) / number
            variance = np.bincount(neuron, (interval - mean[neuron]) ** 2, self.n) / number
            cv = np.sqrt(variance) / mean
        cv[number < 2] = np.nan
        return cv

    def _intervals(self) -> tuple[np.ndarray, np.ndarray]:
        """The neuron and the length (ms) of each interval, neuron by neuron."""
        order = np.argsort(self.i, kind="stable")
        i, steps = self.i[order], self.steps[order]
        within = i[1:] == i[:-1]
        if len(self._stretches) > 1:
            part = np.searchsorted([end for _, end in self._stretches], steps, side="right")
            within &= part[1:] == part[:-1]
        return i[1:][within], np.diff(steps)[within] * self.dt

    def to_pandas(self) -> pandas.DataFrame:
        """A table with a row for each spike: its time ``t`` in ms and its neuron ``i``.

        Raises
        ------
        InputError
            If pandas is not installed.
        """
        frame = needed("pandas", "to_pandas", "pandas").DataFrame
        return frame({"t": self.t, "i": self.i})

    def to_neo(self) -> neo.Segment:
        """A `neo.Segment` with a spike train per neuron, for elephant; needs spikesim[analysis].

        Raises
        ------
        InputError
            If no time was recorded, or not all of the time from `t_start` to `t_stop`.
        """
        spikes = self.t, self.i
        self._check_whole("neo would take for silence")
        return to_neo(*spikes, self.n, self.duration, self.name, self.t_start)

    def to_sonata(self, path: str | Path) -> None:
        """Write the spikes to an HDF5 file in the SONATA layout.

        A file that existed before the program began is replaced; one that the program has written
        itself, or is recording to, is not. `spikesim.sonata.write_spikes` writes several
        populations to one file.

        Raises
        ------
        FileError
            If the file cannot be written.
        """
        write_spikes(path, self)


class Spikes(RecordedSpikes):
    """Spikes that were taken out of a recording; made by `SpikeRecording.take` and `new`.

    They stay as they are, whatever the network does. `SpikeRecording` describes the attributes.
    """

    _steps: np.ndarray
    _i: np.ndarray

    def __init__(
        self,
        name: str,
        n: int,
        dt: float,
        steps: np.ndarray,
        i: np.ndarray,
        origin: int,
        stretches: Sequence[tuple[int, int]],
    ):
        self.__dict__.update(
            name=name,
            n=n,
            dt=dt,
            _steps=steps,
            _i=i,
            _origin=origin,
            _stretches=tuple(stretches),
        )

    def __setattr__(self, name: str, value: Any) -> None:
        raise InputError(f"{name} of the spikes of {self.name!r} cannot be set; they are data.")

    def __repr__(self) -> str:
        where = f"{self.t_start:g} to {self.t_stop:g} ms"
        return f"<Spikes of {self.name!r}: {self._steps.size} spikes, {where}>"

    @property
    def steps(self) -> np.ndarray:
        return self._steps

    @property
    def i(self) -> np.ndarray:
        return self._i


class RecordedSamples(Recorded):
    """Samples of variables, with exports.

    Attributes
    ----------
    variables : list of str
    every : int
        Steps from one sample to the next.
    units : dict of str to str
        The unit of each variable, empty if it is not known.
    """

    variables: list[str]
    every: int
    units: Mapping[str, str]

    @property
    def t(self) -> np.ndarray:
        """The time of each sample in ms."""
        raise NotImplementedError

    @property
    def neurons(self) -> np.ndarray:
        """The recorded neurons."""
        raise NotImplementedError

    def _tables(self) -> list[Table]:
        rows = [
            [name, self.units[name], range_text(getattr(self, name))] for name in self.variables
        ]
        return [Table(["variable", "unit", "recorded"], rows)]

    def to_pandas(self) -> pandas.DataFrame:
        """A table with a row for each sample and a column for each variable and neuron.

        Its index ``t`` holds the times in ms; columns are pairs such as ``("v", 3)``, so that
        ``table["v"]`` has a column for each neuron.

        Raises
        ------
        InputError
            If pandas is not installed.
        """
        pandas = needed("pandas", "to_pandas", "pandas")
        columns = pandas.MultiIndex.from_product(
            [self.variables, self.neurons.tolist()], names=["variable", "neuron"]
        )
        rows = [getattr(self, variable) for variable in self.variables]
        index = pandas.Index(self.t, name="t")
        return pandas.DataFrame(np.concatenate(rows).T, index=index, columns=columns)

    def to_neo(self) -> neo.Segment:
        """A `neo.Segment` with an AnalogSignal per variable, for elephant.

        A signal has shape (samples, neurons); its array annotation ``neuron`` has the numbers of
        the neurons. Needs spikesim[analysis].

        Raises
        ------
        InputError
            If there are no samples, if not all of the time from `t_start` to `t_stop` was recorded,
            or if quantities does not know the unit of a variable; `unit` of `Network.record` sets
            it.
        ImportError
            If neo is not installed.
        """
        t = self.t
        self._check_whole("neo would take for part of the signal")
        if not t.size:
            raise InputError(f"The recording of {self.name!r} holds no samples yet.")
        try:
            import neo
            import quantities  # type: ignore[import-untyped]
        except ImportError as error:
            raise ImportError(
                "to_neo needs neo, which is not installed; pip install 'spikesim[analysis]'."
            ) from error
        segment = neo.Segment(name=self.name)
        for variable in self.variables:
            try:
                unit = quantities.Quantity(1.0, self.units[variable] or "dimensionless")
            except Exception:  # quantities may raise anything for a text
                raise InputError(
                    f"The unit of {variable} is {self.units[variable]!r}, which quantities does "
                    f"not know; record it with a unit such as 'mV' or 'nA', or with ''."
                ) from None
            signal = neo.AnalogSignal(
                getattr(self, variable).T,
                units=unit,
                t_start=t[0] * quantities.ms,
                sampling_period=self.every * self.dt * quantities.ms,
                name=variable,
                array_annotations={"neuron": self.neurons.copy()},
            )
            segment.analogsignals.append(signal)
        return segment
