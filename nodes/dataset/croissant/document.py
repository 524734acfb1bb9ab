"""The Croissant 1.1 document of a set: its facts in the vocabularies of schema.org, Croissant, responsible AI and PROV.

Reads and writes nothing. Specifications: http://mlcommons.org/croissant/1.1 and http://mlcommons.org/croissant/RAI/1.0.
"""

from __future__ import annotations

from typing import Any

from ..facts import SetFacts
from .layouts import Layout

Json = dict[str, Any]

CONFORMS_TO = ("http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0")

_TERMS = (
    *("annotation", "arrayShape", "citeAs", "column", "containedIn", "equivalentProperty", "excludes", "extract"),
    *("field", "fileObject", "fileProperty", "fileSet", "format", "includes", "isArray", "isLiveDataset", "jsonPath"),
    *("key", "md5", "parentField", "path", "readLines", "recordSet", "references", "regex", "repeated", "replace"),
    *("samplingRate", "sdVersion", "separator", "source", "subField", "transform", "unArchive", "value"),
)
"""Words of Croissant's own namespace, which the standard context lists one by one."""

CONTEXT: Json = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "prov": "http://www.w3.org/ns/prov#",
    "conformsTo": "dct:conformsTo",
    "name": {"@container": "@language"},
    "description": {"@container": "@language"},
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    **{term: f"cr:{term}" for term in _TERMS},
}

_NO_LICENCE = "Not stated"


def document(facts: SetFacts, layout: Layout) -> Json:
    """The whole document as a JSON object.

    Args:
        facts: of the set, or of what an export holds of it.
        layout: which files hold the pictures and their lines.
    """
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": list(CONFORMS_TO),
        "name": facts.name,
        "description": f"{facts.what()} {facts.making.made_by()} {facts.labelling()}",
        "license": facts.licence or _NO_LICENCE,
        "version": facts.version,
        "keywords": ["image classification", *(["synthetic", "generated"] if facts.making.is_generated else [])],
        "isLiveDataset": False,
        **({"dateCreated": facts.created} if facts.created else {}),
        **_stated(facts),
        **{f"rai:{name}": text for name, text in facts.responsible_ai().items()},
        **_provenance(facts),
        "distribution": layout.distribution,
        "recordSet": [_classes(facts), *layout.record_sets],
    }


def _stated(facts: SetFacts) -> Json:
    """What only the owner of a set can say; the citation is else that of the set by itself."""
    stated: Json = {"citeAs": _own_citation(facts)}
    for key, name in (("url", "url"), ("citation", "citeAs"), ("date_published", "datePublished")):
        if key in facts.stated:
            stated[name] = facts.stated[key]
    if creators := facts.stated.get("creator"):
        names = creators if isinstance(creators, list) else [creators]
        stated["creator"] = [{"@type": "sc:Person", "name": name} for name in names]
    return stated


def _own_citation(facts: SetFacts) -> str:
    """BibTeX of the set by itself, without signs that would end an entry."""
    making = facts.making
    note = f"{facts.pictures:,} pictures, {' in '.join(making.tools)}, {', '.join(making.models)}".rstrip(", ")
    title, note = (text.translate({ord("{"): "(", ord("}"): ")"}) for text in (facts.name, note))
    year = f", year = {{{facts.created[:4]}}}" if facts.created else ""
    return f"@misc{{dataset, title = {{{title}}}, note = {{{note}}}{year}}}"


def _provenance(facts: SetFacts) -> Json:
    """Which programs made the set, of which model files, after which plan, out of which sets."""
    making = facts.making
    agents = [{"@type": "prov:SoftwareAgent", "prov:label": tool} for tool in making.tools or ("HypoNet",)]
    plan: Json = {
        "@type": ["prov:Entity", "prov:Plan"],
        "prov:label": "plan: what each picture shows, in dataset.json",
        "sha256": making.plan_sha256,
        **({"prov:value": f"seed {making.seed}, template {making.template}"} if making.template else {}),
    }
    used = [
        {"@type": "prov:Entity", "prov:label": f"{file.kind}: {file.name}", "sha256": file.sha256}
        for file in facts.files
    ]
    label = "Sampling of pictures by an image model, a prompt each" if making.is_generated else "Saving of pictures"
    activity: Json = {
        "@type": "prov:Activity",
        "prov:label": label,
        **({"prov:startedAtTime": facts.created} if facts.created else {}),
        "prov:used": used,
        "prov:qualifiedAssociation": [
            {"@type": "prov:Association", "prov:agent": agent, "prov:hadPlan": plan} for agent in agents
        ],
    }
    derived = [{"@type": "prov:Entity", "prov:label": f"data set {name}"} for name in making.origins]
    return {
        "prov:wasGeneratedBy": activity,
        "prov:wasAttributedTo": agents,
        **({"prov:wasDerivedFrom": derived} if derived else {}),
    }


def _classes(facts: SetFacts) -> Json:
    """The classes as a table inside the document."""
    columns = {
        "name": ("sc:Text", "The label."),
        "folder": ("sc:Text", "The folder of the class."),
        "synset": ("sc:Text", 'The id in WordNet 3.0, "" when unknown.'),
        "pictures": ("sc:Integer", "How many pictures there are of it."),
    }
    return {
        "@type": "cr:RecordSet",
        "@id": "classes",
        "name": "classes",
        "description": "The classes, in the order of their numbers.",
        "dataType": "sc:Enumeration",
        "key": {"@id": "classes/name"},
        "field": [
            {"@type": "cr:Field", "@id": f"classes/{name}", "name": name, "description": text, "dataType": kind}
            for name, (kind, text) in columns.items()
        ],
        "data": [
            {
                "classes/name": entry.label,
                "classes/folder": entry.folder,
                "classes/synset": entry.synset,
                "classes/pictures": entry.pictures,
            }
            for entry in facts.classes
        ],
    }
