"""Maps the three code folders to one package; everything else about it is in pyproject.toml."""

from setuptools import find_packages, setup

FOLDERS = {"spikesim": "spikesim", "spikesim.kernels": "kernels", "spikesim.models": "models"}

setup(
    packages=[
        *(
            package
            for name, folder in FOLDERS.items()
            for package in (name, *(f"{name}.{sub}" for sub in find_packages(folder)))
        ),
        "spikesim.data",
    ],
    package_dir={**FOLDERS, "spikesim.data": "data"},
    package_data={
        "": ["*.csv"],  # published numbers, beside the code that compares itself with them
        "spikesim": ["py.typed"],
        "spikesim.data": ["*.npz", "*.md", "*.toml", "*.json"],
    },
)
