"""Two graphs for the help pages' pictures of those nodes that no shipped workflow has: the pieces of Generate Dataset,
and what is done with a set besides. What they read, help_pictures.py lays ready.
"""

from __future__ import annotations

from .builder.graph import Flow, Schemas
from .builder.models import FID_NETWORK, SD15, load_checkpoint

SET, PHOTOS = "own_classes", "real_pictures"
STATISTICS = "photos"


def pieces(schemas: Schemas) -> Flow:
    """Plan Batch, Encode Prompts, Per-image Noise, Per-image Sampler and Save to Dataset, around native nodes."""
    flow = Flow("pieces", "The pieces of Generate Dataset", schemas)
    flow.stage("1  The plan")
    classes = flow.add("HypoNetClassesFromText", text="ship\ntruck")
    plan = flow.add("HypoNetPlanDataset", classes=classes["classes"])
    flow.stage("2  A batch of it")
    batch = flow.add("HypoNetPlanBatch", plan=plan["plan"], batch_size=4)
    loader = load_checkpoint(flow, SD15)
    flow.stage("3  Its prompts")
    prompts = flow.add("HypoNetEncodePrompts", clip=loader["CLIP"], items=batch["items"])
    noise = flow.add("HypoNetPerImageNoise", items=batch["items"])
    sampler = flow.add("HypoNetPerImageSampler", items=batch["items"])
    flow.stage("4  How it is drawn")
    guider = flow.add(
        "CFGGuider", model=loader["MODEL"], positive=prompts["positive"], negative=prompts["negative"], cfg=2.0
    )
    sigmas = flow.add("BasicScheduler", model=loader["MODEL"], scheduler="karras", steps=8)
    latent = flow.add("EmptyLatentImage", width=64, height=64, batch_size=batch["count"])
    flow.stage("5  Drawn")
    drawn = flow.add(
        "SamplerCustomAdvanced",
        noise=noise["noise"],
        guider=guider["GUIDER"],
        sampler=sampler["sampler"],
        sigmas=sigmas["SIGMAS"],
        latent_image=latent["LATENT"],
    )
    images = flow.add("VAEDecode", samples=drawn["output"], vae=loader["VAE"])
    flow.stage("6  Kept")
    flow.add(
        "HypoNetSaveToDataset", images=images["IMAGE"], items=batch["items"], plan=plan["plan"], name="made_by_pieces"
    )
    return flow


def around_a_set(schemas: Schemas) -> Flow:
    """Split, export and look at a set, open a classifier again, keep the statistics of photos."""
    flow = Flow("around_a_set", "What is done with a set", schemas)
    flow.stage("1  The set")
    opened = flow.add("HypoNetLoadDataset", name=SET)
    flow.stage("2  In parts")
    flow.add("HypoNetSplitDataset", dataset=opened["dataset"], train=0.6, val=0.2, test=0.2)
    flow.stage("3  For others")
    flow.add("HypoNetExportDataset", dataset=opened["dataset"], export_format="Parquet (Hugging Face)")
    flow.stage("4  As a batch")
    batch = flow.add("HypoNetLoadDatasetPictures", dataset=opened["dataset"])
    flow.stage("5  Seen")
    flow.add("PreviewImage", images=batch["images"])
    flow.stage("6  Photos")
    photos = flow.add("HypoNetLoadLabelledImages", source="image folder", path=PHOTOS)
    flow.stage("7  By Inception")
    features = flow.add("HypoNetExtractFeatures", images=photos["images"], network=FID_NETWORK, convention="clean-fid")
    flow.stage("8  Their statistics")
    flow.add("HypoNetSaveStatistics", features=features["features"], name=STATISTICS)
    flow.stage("9  Opened again")
    statistics = flow.add("HypoNetLoadStatistics", file=f"{STATISTICS}.npz")
    classifier = flow.add("HypoNetOpenClassifier", file=f"{SET}.safetensors")
    flow.stage("10  Used")
    flow.add("HypoNetMeasureFID", features=features["features"], reference=statistics["statistics"])
    flow.add("HypoNetTestClassifier", checkpoint=classifier["classifier"], images=photos["images"])
    return flow


GRAPHS = (pieces, around_a_set)
