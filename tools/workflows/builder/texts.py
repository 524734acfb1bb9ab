"""What needs no diffusion model: hyponyms of a picture or a word, templates and plans."""

from __future__ import annotations

from .graph import Flow, Schemas
from .models import load_classifier
from .pieces import chain_classes, read_me, show_answer, show_text


def hyponyms(schemas: Schemas) -> Flow:
    flow = Flow("hyponet_12_only_hyponyms", "Only the hyponyms: from a picture and from a word", schemas)
    read_me(
        flow,
        "Chapter 4 of the thesis by itself, without a diffusion model: a picture is classified, its class's hypernym "
        "is found in WordNet, and that hypernym's hyponyms are listed. Below it the same from a word.",
        [
            "**Sample picture**: a photo of something that ImageNet knows.",
            "mode `exact` goes by the class's WordNet id. `thesis` looks the label up, as the thesis did: try a "
            "picture of a sorrel horse in both.",
            "ancestor, at least, depth: how far to climb and to descend.",
            "**Save Wildcard**: the name under which templates can use the list.",
        ],
        "*Classify* shows the likeliest classes; below 0.3 it warns. The reports name each hyponym that was dropped, "
        "with the reason, and count the unfit ones. **Save Wildcard** says where the file lies and how a template "
        "names it.",
    )
    flow.stage("1  Picture")
    picture = flow.add("LoadImage", "Sample picture", image="example.png")
    classifier = load_classifier(flow)
    flow.stage("2  Class and hyponyms")
    classified = flow.add("HypoNetClassifyImage", classifier=classifier["classifier"], image=picture["IMAGE"])
    hyponyms = flow.add("HypoNetHyponymsOfImage", classifier=classifier["classifier"], image=picture["IMAGE"])
    flow.column()
    show_answer(classified, 220)
    show_answer(hyponyms, 300)
    flow.stage("3  Keep the list")
    flow.add("HypoNetSaveWildcard", hyponyms=hyponyms["hyponyms"], name="my_hyponyms", overwrite=True)
    flow.stage("From a word")
    word = flow.add("HypoNetHyponymsOfWord", word="crane (bird)")
    show_answer(word, 300)
    return flow


def prompt_playground(schemas: Schemas) -> Flow:
    flow = Flow("hyponet_13_prompt_playground", "Prompt playground: templates, wildcards, plans", schemas)
    read_me(
        flow,
        "What a template turns into, before any picture is drawn. **Dynamic Prompt** gives single prompts for graphs "
        "that you already have; **Dataset Plan** and **Plan Preview** show what a whole set would be.",
        [
            "The templates: `{a|b}`, `{2::a|b}` with weights, `{2$$a|b|c}` for two of them, `__wildcard__`, "
            "`${x=red}` and `${x}`. A backslash keeps a brace as it is.",
            "coverage: `balanced` deals every option equally often, `random` draws as the thesis did, `combinatorial` "
            "gives every combination once.",
            "**Class**: slots to omit, a template or negative of its own.",
        ],
        "*Coverage* lists how often each option comes (least and most), how many pairs of options meet, sample "
        "prompts, tokens over 77, and warnings such as an option that names another class.",
    )
    flow.stage("Single prompts")
    single = flow.add(
        "HypoNetDynamicPrompt",
        template="{2::photo|painting} of a __color__ {cat|dog} in __location__, {2$$ and $$soft light|fog|rain}",
        count=5,
    )
    show_text(flow, single["prompt"], "Five prompts", height=260)
    flow.stage("A whole plan")
    words = flow.add("HypoNetLoadWildcard", name="cat")
    classes = chain_classes(
        flow,
        [
            {"class_name": "cat", "hyponyms": words["hyponyms"], "omit": "color"},
            {"class_name": "ship", "hyponym_wildcard": "ship"},
        ],
    )
    flow.column()
    plan = flow.add("HypoNetPlanDataset", classes=classes, images_per_class=200)
    preview = flow.add("HypoNetPreviewPlan", plan=plan["plan"])
    show_answer(preview, 520)
    return flow


FLOWS = [hyponyms, prompt_playground]
