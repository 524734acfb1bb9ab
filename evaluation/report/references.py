"""BibTeX of the thesis and of the metrics, tests, networks and data sets that a report may use: only those it used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..metrics.inception_weights import FID_NETWORK, NETWORKS
from . import thesis
from .tables import Source

_ENTRIES = {
    "yu2024dataset": (
        "mastersthesis",
        "Yu, Tae Yeong",
        "Research on Effective Dataset Generation Using Generative {AI} for Deep Learning Training",
        "school = {Konkuk University}, year = {2024}",
    ),
    "wilson1927probable": (
        "article",
        "Wilson, Edwin B.",
        "Probable Inference, the Law of Succession, and Statistical Inference",
        "journal = {Journal of the American Statistical Association}, volume = {22}, number = {158}, "
        "pages = {209--212}, year = {1927}",
    ),
    "cochran1977sampling": (
        "book",
        "Cochran, William G.",
        "Sampling Techniques",
        "publisher = {Wiley}, edition = {3rd}, year = {1977}",
    ),
    "wilcoxon1945individual": (
        "article",
        "Wilcoxon, Frank",
        "Individual Comparisons by Ranking Methods",
        "journal = {Biometrics Bulletin}, volume = {1}, number = {6}, pages = {80--83}, year = {1945}",
    ),
    "mcnemar1947note": (
        "article",
        "McNemar, Quinn",
        "Note on the Sampling Error of the Difference between Correlated Proportions or Percentages",
        "journal = {Psychometrika}, volume = {12}, number = {2}, pages = {153--157}, year = {1947}",
    ),
    "holm1979simple": (
        "article",
        "Holm, Sture",
        "A Simple Sequentially Rejective Multiple Test Procedure",
        "journal = {Scandinavian Journal of Statistics}, volume = {6}, number = {2}, pages = {65--70}, year = {1979}",
    ),
    "heusel2017gans": (
        "inproceedings",
        "Heusel, Martin and Ramsauer, Hubert and Unterthiner, Thomas and Nessler, Bernhard and Hochreiter, Sepp",
        "{GANs} Trained by a Two Time-Scale Update Rule Converge to a Local {Nash} Equilibrium",
        "booktitle = {Advances in Neural Information Processing Systems}, volume = {30}, year = {2017}",
    ),
    "parmar2022aliased": (
        "inproceedings",
        "Parmar, Gaurav and Zhang, Richard and Zhu, Jun-Yan",
        "On Aliased Resizing and Surprising Subtleties in {GAN} Evaluation",
        "booktitle = {Conference on Computer Vision and Pattern Recognition}, year = {2022}",
    ),
    "salimans2016improved": (
        "inproceedings",
        "Salimans, Tim and Goodfellow, Ian and Zaremba, Wojciech and Cheung, Vicki and Radford, Alec and Chen, Xi",
        "Improved Techniques for Training {GANs}",
        "booktitle = {Advances in Neural Information Processing Systems}, volume = {29}, year = {2016}",
    ),
    "binkowski2018demystifying": (
        "inproceedings",
        "Bi{\\'n}kowski, Miko{\\l}aj and Sutherland, Danica J. and Arbel, Michael and Gretton, Arthur",
        "Demystifying {MMD} {GANs}",
        "booktitle = {International Conference on Learning Representations}, year = {2018}",
    ),
    "kynkaanniemi2019improved": (
        "inproceedings",
        'Kynk{\\"a}{\\"a}nniemi, Tuomas and Karras, Tero and Laine, Samuli and Lehtinen, Jaakko and Aila, Timo',
        "Improved Precision and Recall Metric for Assessing Generative Models",
        "booktitle = {Advances in Neural Information Processing Systems}, volume = {32}, year = {2019}",
    ),
    "naeem2020reliable": (
        "inproceedings",
        "Naeem, Muhammad Ferjad and Oh, Seong Joon and Uh, Youngjung and Choi, Yunjey and Yoo, Jaejun",
        "Reliable Fidelity and Diversity Metrics for Generative Models",
        "booktitle = {International Conference on Machine Learning}, year = {2020}",
    ),
    "friedman2023vendi": (
        "article",
        "Friedman, Dan and Dieng, Adji Bousso",
        "The {Vendi} Score: A Diversity Evaluation Metric for Machine Learning",
        "journal = {Transactions on Machine Learning Research}, year = {2023}",
    ),
    "jayasumana2024rethinking": (
        "inproceedings",
        "Jayasumana, Sadeep and Ramalingam, Srikumar and Veit, Andreas and Glasner, Daniel and "
        "Chakrabarti, Ayan and Kumar, Sanjiv",
        "Rethinking {FID}: Towards a Better Evaluation Metric for Image Generation",
        "booktitle = {Conference on Computer Vision and Pattern Recognition}, year = {2024}",
    ),
    "hessel2021clipscore": (
        "inproceedings",
        "Hessel, Jack and Holtzman, Ari and Forbes, Maxwell and Le Bras, Ronan and Choi, Yejin",
        "{CLIPScore}: A Reference-free Evaluation Metric for Image Captioning",
        "booktitle = {Conference on Empirical Methods in Natural Language Processing}, year = {2021}",
    ),
    "szegedy2016rethinking": (
        "inproceedings",
        "Szegedy, Christian and Vanhoucke, Vincent and Ioffe, Sergey and Shlens, Jon and Wojna, Zbigniew",
        "Rethinking the {Inception} Architecture for Computer Vision",
        "booktitle = {Conference on Computer Vision and Pattern Recognition}, year = {2016}",
    ),
    "stein2023exposing": (
        "inproceedings",
        "Stein, George and Cresswell, Jesse and Hosseinzadeh, Rasa and others",
        "Exposing Flaws of Generative Model Evaluation Metrics and Their Unfair Treatment of Diffusion Models",
        "booktitle = {Advances in Neural Information Processing Systems}, volume = {36}, year = {2023}",
    ),
    "oquab2024dinov2": (
        "article",
        "Oquab, Maxime and Darcet, Timoth{\\'e}e and Moutakanni, Th{\\'e}o and others",
        "{DINOv2}: Learning Robust Visual Features without Supervision",
        "journal = {Transactions on Machine Learning Research}, year = {2024}",
    ),
    "radford2021learning": (
        "inproceedings",
        "Radford, Alec and Kim, Jong Wook and Hallacy, Chris and others",
        "Learning Transferable Visual Models from Natural Language Supervision",
        "booktitle = {International Conference on Machine Learning}, year = {2021}",
    ),
    "he2016deep": (
        "inproceedings",
        "He, Kaiming and Zhang, Xiangyu and Ren, Shaoqing and Sun, Jian",
        "Deep Residual Learning for Image Recognition",
        "booktitle = {Conference on Computer Vision and Pattern Recognition}, year = {2016}",
    ),
    "krizhevsky2009learning": (
        "techreport",
        "Krizhevsky, Alex",
        "Learning Multiple Layers of Features from Tiny Images",
        "institution = {University of Toronto}, year = {2009}",
    ),
    "coates2011analysis": (
        "inproceedings",
        "Coates, Adam and Ng, Andrew and Lee, Honglak",
        "An Analysis of Single-Layer Networks in Unsupervised Feature Learning",
        "booktitle = {International Conference on Artificial Intelligence and Statistics}, year = {2011}",
    ),
    "russakovsky2015imagenet": (
        "article",
        "Russakovsky, Olga and Deng, Jia and Su, Hao and others",
        "{ImageNet} Large Scale Visual Recognition Challenge",
        "journal = {International Journal of Computer Vision}, volume = {115}, number = {3}, pages = {211--252}, "
        "year = {2015}",
    ),
}
_OF_KINDS = {
    "test": ("wilson1927probable",),
    "top_up": ("wilson1927probable",),
    "comparison": ("mcnemar1947note", "holm1979simple"),
    "fid": ("heusel2017gans",),
    "distortion": ("heusel2017gans",),
    "inception_score": ("salimans2016improved",),
    "kid": ("binkowski2018demystifying",),
    "cmmd": ("jayasumana2024rethinking",),
    "clip_score": ("hessel2021clipscore",),
    "precision_recall": ("kynkaanniemi2019improved", "naeem2020reliable"),
    "diversity": ("friedman2023vendi",),
}
_OF_CONVENTIONS = {
    "clean-fid": ("parmar2022aliased",),
    "dgm_eval": ("stein2023exposing",),
}
_OF_NETWORKS = {
    "inception": ("szegedy2016rethinking",),
    "dinov2": ("oquab2024dinov2", "stein2023exposing"),
    "clip": ("radford2021learning",),
    "resnet": ("he2016deep",),
}
_OF_TEST_SETS = {
    "CIFAR-10": "krizhevsky2009learning",
    "STL-10": "coates2011analysis",
    "ImageNet-1k": "russakovsky2015imagenet",
}


def bibtex(sources: Sequence[Source]) -> str:
    """The entries of the thesis and of what these results used, in the order of this file."""
    keys = {"yu2024dataset", *(key for source in sources for key in _keys(source))}
    return "\n\n".join(_entry(key) for key in _ENTRIES if key in keys)


def _keys(source: Source) -> Iterable[str]:
    settings = source.result.settings
    yield from _OF_KINDS.get(source.result.kind, ())
    if any(len(point.seeds) == 1 for point in source.figures.points):  # else its intervals are over the seeds
        yield from _OF_KINDS["test"]
    if any(ratio.low is not None for ratio in source.figures.ratios):  # of one seed there is no interval
        yield "cochran1977sampling"
    if source.figures.over_seeds is not None and source.figures.over_seeds.test is not None:
        yield "wilcoxon1945individual"
    yield from _OF_CONVENTIONS.get(_preparation(settings), ())
    networks = f"{settings.get('network', '')} {settings.get('architecture', '')}".lower()
    for name, keys in _OF_NETWORKS.items():
        if name in networks:
            yield from keys
    for picture_set in source.figures.picture_sets():
        if test_set := thesis.test_set_of(picture_set.name):
            yield _OF_TEST_SETS[test_set]
        if thesis.is_cifar_train(picture_set.name):
            yield _OF_TEST_SETS["CIFAR-10"]


def _preparation(settings: Mapping[str, Any]) -> str:
    """The convention; the thesis's of the FID network is that of clean-fid."""
    is_fid = settings.get("network") == NETWORKS[FID_NETWORK].key
    convention = str(settings.get("convention"))
    return "clean-fid" if convention == "thesis" and is_fid else convention


def _entry(key: str) -> str:
    kind, author, title, rest = _ENTRIES[key]
    return f"@{kind}{{{key},\n  author = {{{author}}},\n  title = {{{title}}},\n  {rest}\n}}"
