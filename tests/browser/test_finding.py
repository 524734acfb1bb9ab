"""Words that people type into the search of nodes lead to the node of ours that does it, among the first six hits.

The page is asked as its search box asks it, with the list of nodes of the server. ComfyUI 0.3.75 drops the aliases of
nodes, so that ids and display names alone are searched, and only words that begin within the first 30 characters.
"""

from __future__ import annotations

import json

from hyponet.tests.browser.pages import KOREAN, PAGE_TESTS, on
from tools.dev.places import ROOT
from tools.node_names import short_name

pytestmark = PAGE_TESTS
FIRST = 6
# word -> (ids of the nodes that are right, without HypoNet; why)
NEWCOMER = {  # words of a person of this field who saw the pack for the first time; none led to us
    "resnet": ("LoadClassifier TrainClassifier", "the network that names pictures, and the one that is trained"),
    "augment": ("MergeImages", "generated pictures beside the real ones of each class are the augmentation here"),
    "augmentation": ("MergeImages", "the noun of the same"),
    "accuracy": ("TestClassifier", "the first figure of a test"),
    "confusion": ("TestClassifier", "draws the confusion matrix"),
    "metric": ("MeasureFID MeasureKID MeasureCMMD MeasureDiversity", "each is one"),
    "wordnet": ("HyponymsOfWord HyponymsOfImage", "look words up in WordNet"),
    "parquet": ("ExportDataset LoadLabelledImages", "a form that is written and read"),
    "imagefolder": ("ExportDataset LoadLabelledImages", "torchvision's form, written and read"),
    "cifar": ("LoadLabelledImages", "CIFAR-10 is a source"),
    "imagenet": ("LoadLabelledImages", "its validation set is a source"),
    "blip": ("CaptionImages", "the captioner"),
    "lora": ("TrainLora", "the training of one"),
    "random prompt": ("DynamicPrompt", "draws prompts at random"),
    "prompt list": ("DynamicPrompt", "gives a list of prompts"),
    "combinatorial": ("PlanDataset DynamicPrompt", "a choice of coverage: every combination once"),
    "validation": ("SplitDataset SplitImages", "keep a part for it"),
    "cull": ("RejectItems", "takes bad pictures out"),
    "filter": ("CheckLabels RejectItems", "keeps what a classifier or CLIP agrees with"),
    "delete": ("RejectItems", "takes pictures out of a set"),
    "batch generate": ("GenerateDataset", "many pictures in batches"),
    "grid": ("MakeContactSheet", "many pictures on one sheet"),
    "seed": ("PerImageNoise DynamicPrompt", "a seed of its own for each image"),
}
OTHERS = {  # 40 more, by what is done
    "wildcard": ("DynamicPrompt", "fills wildcards in; saving and loading one are not what is meant first"),
    "wildcards": ("DynamicPrompt", "the same, as the packs for it are called"),
    "dynamicprompts": ("DynamicPrompt", "the extension whose language it reads"),
    "hyponym": ("HyponymsOfWord HyponymsOfImage", "the idea of the pack"),
    "hypernym": ("HyponymsOfWord HyponymsOfImage", "climb to it"),
    "class": ("DefineClass", "one class of a set"),
    "classes": ("ClassesFromText", "several of them"),
    "label": ("DefineClass CheckLabels LoadLabelledImages", "what a class is called in training"),
    "category": ("DefineClass", "another word for class"),
    "dataset": ("GenerateDataset PlanDataset LoadDataset", "begin or open one"),
    "diversity": ("MeasureDiversity", "by name"),
    "contact sheet": ("MakeContactSheet", "by name"),
    "thumbnail": ("MakeContactSheet", "small pictures of many"),
    "reject": ("RejectItems", "by name"),
    "remove": ("RejectItems", "takes pictures out of a set"),
    "duplicate": ("FindCopies VerifyDataset", "equal pictures"),
    "leakage": ("FindCopies", "test pictures in the training set"),
    "clip filter": ("CheckLabels", "how sets such as LAION are cleaned"),
    "train test split": ("SplitDataset SplitImages", "scikit-learn's name of it"),
    "merge": ("MergeDatasets MergeImages", "two sets into one"),
    "export": ("ExportDataset", "by name"),
    "zip": ("ExportDataset", "a form of export"),
    "csv": ("ExportDataset WriteReport", "both write it"),
    "latex": ("WriteReport", "tables for a paper"),
    "caption": ("CaptionImages ClassesFromCaptions", "write and use captions"),
    "train lora": ("TrainLora", "the training of one"),
    "classifier": ("LoadClassifier TrainClassifier TestClassifier", "load, train or test one"),
    "timm": ("LoadClassifier", "its models load"),
    "mcnemar": ("CompareClassifiers", "the test of two classifiers"),
    "learning curve": ("LearningCurve", "by name"),
    "fid": ("MeasureFID", "by name"),
    "frechet": ("MeasureFID", "the F of it"),
    "kid": ("MeasureKID", "by name"),
    "inception score": ("MeasureInceptionScore", "by name"),
    "precision recall": ("MeasurePrecisionRecall", "by name"),
    "clip score": ("MeasureCLIPScore", "by name"),
    "vendi": ("MeasureDiversity", "the Vendi score"),
    "dino": ("ExtractFeatures", "features of DINOv2"),
    "embedding": ("ExtractFeatures", "another word for features"),
    "mode collapse": ("MeasureSameness", "one picture whatever the seed"),
}
WORDS = NEWCOMER | OTHERS
STORE = "document.getElementById('vue-app').__vue_app__.config.globalProperties.$pinia._s.get('nodeDef')"
HITS = f"([words, first]) => words.map((word) => {STORE}.nodeSearchService.searchNode(word)"
HITS += ".slice(0, first).map((node) => node.name))"
NODES = f"() => Object.values({STORE}.nodeDefsByName).map((node) => [node.name, node.display_name, node.category])"


def test_sixty_three_words_find_their_nodes(page):
    assert (len(NEWCOMER), len(WORDS)) == (23, 63)
    nodes = {name for name, _, _ in page.editor.page.evaluate(NODES)}
    missed = {}
    for word, hits in zip(WORDS, page.editor.page.evaluate(HITS, [list(WORDS), FIRST]), strict=True):
        right = {f"HypoNet{name}" for name in WORDS[word][0].split()}
        assert right <= nodes, word
        if not right & set(hits):
            missed[word] = hits
    assert missed == {}


@on(KOREAN)
def test_korean_names_find_their_nodes(page):
    nodes = json.loads((ROOT / "locales" / "ko" / "nodeDefs.json").read_text("utf-8"))
    names = {name: short_name(node["display_name"]) for name, node in nodes.items()}
    found = page.editor.page.evaluate(HITS, [list(names.values()), FIRST])
    assert {names[name]: hits for name, hits in zip(names, found, strict=True) if name not in hits} == {}


def test_no_node_of_ours_is_called_as_another_one(page):
    """Neither in full nor as texts call it. Train LoRA was, as ComfyUI's own."""
    nodes = page.editor.page.evaluate(NODES)
    others = {display_name for name, display_name, _ in nodes if not name.startswith("HypoNet")}
    ours = [display_name for name, display_name, _ in nodes if name.startswith("HypoNet")]
    assert len(others) > 100
    assert len(ours) > 50
    assert others & {*ours, *map(short_name, ours)} == set()
    assert len(set(ours)) == len(ours)


def test_no_category_repeats_the_name_of_the_pack(page):
    """It said HypoNet > HypoNet."""
    categories = {category for name, _, category in page.editor.page.evaluate(NODES) if name.startswith("HypoNet")}
    assert [category for category in categories if category.count("HypoNet") != 1] == []
