"""A file of three made-up areas in the layout of the multi-area model's, for tests."""

import json

STRUCTURE = {"V1": ["23E", "4E", "4I"], "46": ["23E", "4E", "4I"], "TH": ["23E", "23I"]}
NEURONS = {"23E": 300.4, "23I": 80.0, "4E": 200.0, "4I": 100.0}
DISTANCES = {"V1": {"46": 42.0, "TH": 21.0}, "46": {"V1": 42.0, "TH": 7.0}}
DISTANCES["TH"] = {"V1": 21.0, "46": 7.0}
RATES = {"23E": 2.0, "23I": 5.0, "4E": 4.0, "4I": 6.0}


def content():
    """What the file holds, as dicts; also some things that nobody asks for."""
    synapses = {}
    for area, populations in STRUCTURE.items():
        synapses[area] = {}
        for name in populations:
            rows = {
                other: {pre: _indegree(area, other, pre) * NEURONS[name] for pre in there}
                for other, there in STRUCTURE.items()
            }
            rows["external"] = {"external": 900.0 * NEURONS[name]}
            synapses[area][name] = rows
    return {
        "area_list": list(STRUCTURE),
        "structure": STRUCTURE,
        "neuron_numbers": {
            area: {**{name: NEURONS[name] for name in populations}, "total": 600.4}
            for area, populations in STRUCTURE.items()
        },
        "synapses": synapses,
        "distances": DISTANCES,
        "synapse_weights_mean": {},
    }


def _indegree(area, other, pre):
    if area == other:
        return 60.0 if pre.endswith("E") else 40.0
    return 20.0 if pre == "23E" else 0.0


def rates():
    return {area: {name: RATES[name] for name in names} for area, names in STRUCTURE.items()}


def write(folder, found=None):
    """Write both files; return the arguments of `read_areas`."""
    (folder / "areas.json").write_text(json.dumps(content() if found is None else found))
    (folder / "rates.json").write_text(json.dumps(rates()))
    return {"path": folder / "areas.json", "rates": folder / "rates.json"}
