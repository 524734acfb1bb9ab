"""Every custom socket type of the pack, once. The comment says which Python object travels on it."""

from __future__ import annotations

from comfy_api.latest import io

Classifier = io.Custom("HYPONET_CLASSIFIER")  # hyponyms.classifier.Classifier
Hyponyms = io.Custom("HYPONET_HYPONYMS")  # hyponyms.hyponyms.Hyponyms
Classes = io.Custom("HYPONET_CLASSES")  # tuple[prompts.item.ClassSpec, ...]
Plan = io.Custom("HYPONET_PLAN")  # prompts.plan.Plan
Items = io.Custom("HYPONET_ITEMS")  # tuple[prompts.item.Item, ...]: one batch of a plan
Options = io.Custom("HYPONET_OPTIONS")  # sampling.options.SamplingOptions
Dataset = io.Custom("HYPONET_DATASET")  # dataset.store.store.DatasetRef: a set on disk, by path and revision
LabelledImages = io.Custom("HYPONET_IMAGES")  # evaluation.pictures.labelled_images.LabelledImages
Checkpoint = io.Custom("HYPONET_CHECKPOINT")  # evaluation.training.checkpoint.Checkpoint: a trained classifier on disk
Features = io.Custom("HYPONET_FEATURES")  # evaluation.metrics.features.ImageFeatures
Statistics = io.Custom("HYPONET_STATISTICS")  # evaluation.metrics.feature_statistics.FeatureStatistics
Result = io.Custom("HYPONET_RESULT")  # evaluation.results.Result: one result file
