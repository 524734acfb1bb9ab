"""Where the tests of each fault stand that an audit of the figures found: what it showed, and others of its kind."""

from __future__ import annotations

import ast

import pytest

from tools.dev.places import ROOT

AUDITED = "evaluation/test_audited_faults.py"
FAULTS = {
    "1: what is not finite is no result": {
        "nodes/lora/test_finite.py": [
            "test_latents_that_are_no_numbers_are_refused",
            "test_a_training_that_diverges_says_where_and_keeps_nothing",
            "test_a_lora_that_is_much_worse_than_none_is_warned_of",
            "test_text_features_that_are_no_numbers_are_refused",
            "test_a_result_file_with_a_hole_gives_a_curve_with_a_gap",
        ],
        "nodes/lora/test_resume.py": ["test_a_real_training_that_is_stopped_goes_on_to_the_same_file"],
        "nodes/lora/test_lora_file.py": ["test_a_weight_that_is_no_number_in_the_file_is_refused"],
        "evaluation/training/test_checkpoint.py": ["test_weights_that_are_no_numbers_are_not_written"],
        "evaluation/metrics/test_features.py": [
            "test_weights_that_give_no_finite_numbers_are_named_and_nothing_is_kept"
        ],
        "evaluation/metrics/test_fid.py": ["test_statistics_that_are_no_numbers_are_neither_written_nor_read"],
        "evaluation/test_results.py": ["test_a_figure_that_is_no_number_is_refused_by_its_place"],
        "evaluation/report/test_holes.py": ["test_whatever_number_is_missing_the_report_comes_out_and_names_the_hole"],
    },
    "2: pictures that two sets share are counted": {
        AUDITED: [
            "test_test_pictures_that_were_trained_on_are_counted",
            "test_held_out_pictures_that_are_trained_on_too_are_kept_apart_or_counted",
        ],
        "evaluation/test_overlap.py": [
            "test_planted_overlaps_are_counted_exactly",
            "test_no_split_parts_equal_pictures",
            "test_both_sides_of_a_metric_are_held_against_each_other",
            "test_test_pictures_that_a_lora_was_trained_on_are_said_beside_the_accuracies",
        ],
        "nodes/dataset/test_merge_split.py": [
            "test_no_split_parts_pictures_that_are_equal_pixel_by_pixel",
            "test_pictures_of_both_sets_of_a_merge_are_counted_whatever_their_files",
        ],
    },
    "3: the thesis's figure stands only beside its like": {
        AUDITED: [
            "test_the_theses_accuracy_stands_only_beside_a_run_made_like_it",
            "test_an_average_over_unlike_classifiers_says_so_or_is_none",
        ],
        "evaluation/report/test_comparability.py": [
            "test_no_table_pairs_what_differs",
            "test_held_out_draws_of_their_own_are_no_repetitions",
        ],
    },
    "4: p-values are those of the table that shows them": {
        AUDITED: [
            "test_holms_p_is_adjusted_over_the_table_that_shows_it",
            "test_a_tiny_p_is_not_printed_as_nought",
        ],
        "evaluation/report/test_comparability.py": ["test_holms_family_is_the_table_without_what_was_asked_twice"],
        "evaluation/test_paired.py": ["test_a_p_is_never_shown_as_nought"],
        "evaluation/training/test_accuracy.py": ["test_runs_of_equal_seeds_are_paired_over_them"],
    },
    "5: a model of v is trained on v": {
        "nodes/lora/test_prediction.py": [
            "test_the_loss_is_the_formulas",
            "test_a_v_prediction_model_is_trained_on_the_error_of_v",
            "test_the_scaled_loss_of_v_is_refused_for_a_model_of_noise",
            "test_another_sampling_is_refused",
        ]
    },
    "6: no spread where a subset is the set": {
        "evaluation/metrics/test_sample_metrics.py": [
            "test_subsets_that_are_the_whole_sets_have_no_spread",
            "test_one_subset_has_no_spread",
            "test_subsets_that_hold_all_of_one_set_say_whose_spread_it_is",
        ]
    },
    "7: classes that are missing, and classifiers that are unlike, are said": {
        AUDITED: [
            "test_classes_that_the_test_set_lacks_are_named",
            "test_two_classes_that_a_source_matches_are_joined_or_refused",
            "test_classifiers_of_different_making_are_not_pooled_as_runs",
        ],
        "evaluation/training/test_accuracy.py": [
            "test_an_interrupted_run_is_no_repetition_whichever_epoch_is_taken",
            "test_a_set_that_lacks_classes_has_its_figure_among_those_that_it_has_beside_it",
        ],
        "evaluation/pictures/test_mapping.py": ["test_nothing_that_a_source_names_is_lost"],
        "evaluation/metrics/test_fid.py": ["test_classes_that_one_set_alone_has_are_named"],
    },
    "8: copies do not depend on rounding": {
        "evaluation/metrics/test_copies.py": [
            "test_the_audits_copies",
            "test_corners_of_a_cube_lie_at_equal_distances",
            "test_a_set_against_itself_has_density_one",
            "test_a_picture_far_away_changes_no_copy",
        ]
    },
    "9: Table 5-10 has a control of equal updates and three seeds": {
        "evaluation/report/test_comparability.py": [
            "test_table_5_10_has_a_control_of_equal_steps",
            "test_a_control_of_other_steps_is_not_compared",
        ],
        "workflows/test_files.py": ["test_table_5_10_has_three_seeds_and_controls_of_equal_steps"],
    },
    "9: a convention's name promises its tool's number": {
        "nodes/metrics/test_widgets.py": [
            "test_pictures_are_measured_as_they_are_unless_told_otherwise",
            "test_the_other_defaults_are_torch_fidelitys",
            "test_no_shipped_workflow_measures_reduced_pictures_under_the_name_of_the_default_convention",
        ],
        "evaluation/test_results.py": ["test_the_node_shows_convention_and_both_numbers_of_pictures_beside_a_figure"],
    },
    "9: pictures of one channel, and of pixels that are no numbers": {
        "evaluation/pictures/test_tensors.py": [
            "test_pictures_with_pixels_that_are_no_numbers_are_refused_by_their_number",
            "test_grey_colour_and_alpha_are_measured",
        ],
        "nodes/hyponyms/test_preprocessing.py": [
            "test_a_picture_to_classify_with_pixels_that_are_no_numbers_is_refused"
        ],
        "nodes/sampling/test_engine.py": ["test_a_start_image_of_one_channel_is_that_of_three_equal_ones"],
        "nodes/sampling/test_nodes.py": ["test_what_cannot_be_asked_for_is_refused"],
    },
    "9: seeds above 2^32": {
        "evaluation/training/test_model.py": ["test_seeds_that_differ_in_their_high_bits_give_other_weights"],
        "evaluation/test_large_seeds.py": [
            "test_what_is_drawn_by_a_seed_follows_all_of_its_bits",
            "test_draws_of_numpys_refuse_what_they_would_cut_off",
            "test_nodes_whose_generators_take_32_bits_offer_no_more",
        ],
    },
    "9: a picture replaced by one of equal size": {
        "evaluation/pictures/sources/test_sources.py": [
            "test_a_picture_of_our_set_that_is_replaced_has_another_hash",
            "test_a_picture_of_a_folder_that_is_replaced_by_one_of_equal_size_is_seen_in_all_that_is_kept",
            "test_a_picture_in_an_archive_that_is_replaced_by_one_of_equal_size_has_another_hash",
        ],
        "evaluation/metrics/test_features.py": ["test_features_are_kept_by_content_and_a_damaged_file_is_made_again"],
    },
    "9: a share of pictures is rounded a half up": {
        "evaluation/pictures/test_labelled_images.py": ["test_half_a_picture_is_rounded_up"],
        "evaluation/training/test_train.py": ["test_a_tenth_of_five_pictures_a_class_is_held_out"],
        "nodes/dataset/test_merge_split.py": ["test_shares_cut_a_class"],
    },
    "9: captions of a LoRA are text, and a stopped training is no LoRA": {
        "nodes/lora/test_prediction.py": [
            "test_a_caption_is_text_and_no_prompt",
            "test_captions_are_weighted_on_choice",
        ],
        "nodes/lora/test_resume.py": ["test_each_training_has_a_state_of_its_own"],
        "comfy/test_lora.py": ["test_a_stopped_training_goes_on_and_is_no_lora_before_it_is_finished"],
    },
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_has_a_test_and_two_of_its_kind(fault):
    assert sum(len(names) for names in FAULTS[fault].values()) >= 3
    for file, names in FAULTS[fault].items():
        tree = ast.parse((ROOT / "tests" / file).read_text("utf-8"))
        there = {item.name for item in tree.body if isinstance(item, ast.FunctionDef)}
        assert not set(names) - there, file
