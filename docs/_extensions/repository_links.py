"""Links of the pages to what lies outside of ``docs/``.

In a repository browser, ``../../examples/x.py``, ``../../results`` and ``../../CONTRIBUTING.md``
lead to that file or folder. On the site a file is a download, which MyST takes care of; a text
that the site has as a page is that page; a folder, which cannot be downloaded, is only named.
Texts that a page includes from the root of the repository have links that begin there.
"""

from os.path import relpath
from pathlib import Path

from sphinx import addnodes

# texts at the root of the repository, and the page that each is on the site
PAGES = {
    "CHANGELOG.md": "changelog",
    "CONTRIBUTING.md": "contributing",
    "README.md": "index",
    "SECURITY.md": "security",
}


def adapt(app, doctree):
    env = app.env
    docs = Path(app.srcdir).resolve()
    here = Path(env.doc2path(env.docname)).resolve().parent
    start = docs.parent if env.docname in PAGES.values() else here
    for link in list(doctree.findall(addnodes.pending_xref)):
        if link.get("reftype") != "myst":
            continue
        path, _, anchor = link["reftarget"].partition("#")
        if link.get("refdomain") == "doc":  # MyST has taken off the anchor and the ending
            path = str(docs / f"{path}.md")
        place = (start / path).resolve()
        if not path or not place.exists():
            continue
        page = PAGES.get(place.name) if place.parent == docs.parent else env.path2doc(str(place))
        if place.is_dir():
            link.replace_self(link.children)
        elif page and (page in PAGES.values() or place.is_relative_to(docs)):
            link.update_all_atts({"reftarget": page, "refdomain": "doc"}, replace=True)
            link["reftargetid"] = link.get("reftargetid") or anchor or None
        else:
            download = addnodes.download_reference(
                reftarget=relpath(place, here), refdoc=env.docname
            )
            link.replace_self(download)
            download += link.children


def setup(app):
    app.connect("doctree-read", adapt, priority=400)  # before downloads are collected, at 500
    return {"parallel_read_safe": True, "parallel_write_safe": True}
