//! Defects of other packagers, as they were found by trying: each is refused here, or absent, and a test says so.

mod absent;
mod refused;

use std::collections::BTreeSet;
use std::path::Path;

use crate::mirror::files;

/// What another packager does wrong, and the tests that show that this one does not.
struct Defect {
    /// `V`: it builds what is invalid. `R`: it does not repeat its bytes. `P`: it misbehaves as a process.
    id: &'static str,
    /// The tests.
    tests: &'static [&'static str],
}

const DEFECTS: [Defect; 35] = [
    // A name that no package manager takes, such as `My_Pkg Name`.
    Defect { id: "V1", tests: &["a_spec_that_would_break_a_package_is_refused", "package_names_suit_both_formats"] },
    // A version that no package manager takes, such as `foo bar/1`.
    Defect { id: "V2", tests: &["versions_that_are_none_are_refused", "what_is_no_version_is_refused"] },
    // Dashes in the version and the release of an RPM, which has them to tell these apart.
    Defect { id: "V3", tests: &["versions_that_are_none_are_refused", "texts_that_would_break_a_header_are_refused"] },
    // An epoch that is no number.
    Defect { id: "V4", tests: &["versions_that_are_none_are_refused"] },
    // Relations that do not parse, or in one format only.
    Defect {
        id: "V5",
        tests: &[
            "a_spec_that_would_break_a_package_is_refused",
            "relations_that_dpkg_would_not_parse_are_refused",
            "relations_that_rpmbuild_would_not_take_are_refused",
        ],
    },
    // An architecture that does not exist.
    Defect { id: "V6", tests: &["a_spec_that_would_break_a_package_is_refused", "what_is_typed_wrong_is_two"] },
    // A program in a package for another machine.
    Defect { id: "V7", tests: &["a_program_for_another_machine_is_refused"] },
    // A variable that is not defined becomes nothing, or `0.0.0~rc0`.
    Defect { id: "V8", tests: &["versions_that_are_none_are_refused", "a_wrong_spec_or_template_is_three"] },
    // No maintainer, no licence, no description.
    Defect {
        id: "V9",
        tests: &["what_a_spec_must_say_is_not_made_up", "what_a_package_must_say_of_itself_is_not_left_out"],
    },
    // A line break in a value begins another field.
    Defect { id: "V10", tests: &["a_spec_that_would_break_a_package_is_refused", "no_value_can_begin_another_field"] },
    // An empty section.
    Defect {
        id: "V11",
        tests: &["what_a_spec_must_say_is_not_made_up", "a_spec_that_would_break_a_package_is_refused"],
    },
    // A priority, section or maintainer that Debian does not know.
    Defect {
        id: "V12",
        tests: &["a_spec_that_would_break_a_package_is_refused", "values_outside_their_lists_are_refused"],
    },
    // A description whose lines mean something in a control file.
    Defect {
        id: "V13",
        tests: &["lines_that_mean_something_in_a_control_file_are_kept_as_text", "descriptions_keep_their_shape"],
    },
    // A script for another interpreter, which RPM would run with the shell.
    Defect {
        id: "V14",
        tests: &[
            "a_spec_that_would_break_a_package_is_refused",
            "scripts_with_another_interpreter_or_no_command_are_refused",
            "relations_name_every_feature_that_they_need",
        ],
    },
    // A maintainer script without an interpreter.
    Defect { id: "V15", tests: &["scripts_of_a_spec_have_the_shell_in_both_formats"] },
    // A file below `/etc` that dpkg would overwrite.
    Defect { id: "V16", tests: &["a_spec_that_would_break_a_package_is_refused"] },
    // A line break in a file's name.
    Defect {
        id: "V17",
        tests: &["a_spec_that_would_break_a_package_is_refused", "install_paths_are_absolute_normal_and_plain"],
    },
    // Levels of compression that one format ignores and the other refuses.
    Defect { id: "V18", tests: &["a_level_of_compression_holds_for_both_formats", "levels_are_checked_per_codec"] },
    // What is cleared for one format stays in it.
    Defect { id: "V19", tests: &["what_is_for_one_format_is_not_in_the_other"] },
    // A tilde in the version of an RPM that does not ask for an rpm which knows it.
    Defect {
        id: "V20",
        tests: &["a_pre_release_asks_for_an_rpm_that_sorts_it", "relations_name_every_feature_that_they_need"],
    },
    // Times of files on disk are in the package.
    Defect { id: "R1", tests: &["nothing_but_the_plan_decides_the_bytes"] },
    // The name of the machine is in the package.
    Defect { id: "R2", tests: &["nothing_but_the_plan_decides_the_bytes", "no_package_names_a_build_host"] },
    // A bad `SOURCE_DATE_EPOCH` is ignored.
    Defect { id: "R3", tests: &["a_bad_source_date_is_two_and_a_good_one_is_used", "bad_times_are_refused"] },
    // Signatures never repeat. They are made after the packages, which repeat.
    Defect { id: "R4", tests: &["nothing_but_the_plan_decides_the_bytes"] },
    // Nothing repeats without `SOURCE_DATE_EPOCH`.
    Defect { id: "R5", tests: &["nothing_but_the_plan_decides_the_bytes"] },
    // (What is good elsewhere.) Threads, zone, umask and folder leave no trace.
    Defect {
        id: "R6",
        tests: &["nothing_but_the_plan_decides_the_bytes", "zone_locale_umask_and_folder_leave_no_trace"],
    },
    // The number of threads decides how zstd and xz cut their input.
    Defect { id: "R7", tests: &["nothing_but_the_plan_decides_the_bytes", "the_surroundings_leave_no_trace"] },
    // A build that fails deletes the good file of the last one.
    Defect {
        id: "P1",
        tests: &["nothing_wrong_is_packaged_and_nothing_good_is_lost", "a_full_output_folder_loses_nothing"],
    },
    // A signal leaves half a file, or is swallowed.
    Defect {
        id: "P2",
        tests: &[
            "an_interrupted_fetch_leaves_nothing",
            "an_interrupted_compressor_leaves_nothing",
            "signals_at_any_moment_leave_nothing",
            "a_run_that_is_killed_at_any_moment_leaves_whole_files_and_no_harm",
            "a_signal_is_told_as_shells_do",
        ],
    },
    // A dash is a file's name, words and data mix on stdout, a reader that leaves makes it hang.
    Defect {
        id: "P3",
        tests: &[
            "a_dash_is_no_output_folder",
            "stdout_holds_the_paths_and_nothing_else",
            "a_reader_that_has_had_enough_is_no_failure",
        ],
    },
    // No subcommand is success.
    Defect { id: "P4", tests: &["what_is_typed_wrong_is_two"] },
    // Messages are re-cased and padded.
    Defect { id: "P5", tests: &["messages_are_told_as_they_are"] },
    // One format a run.
    Defect { id: "P6", tests: &["formats_are_chosen_by_name"] },
    // Memory grows with the payload.
    Defect { id: "P7", tests: &["large_programs_are_packaged_in_little_memory"] },
    // Memory and time grow with the number of files.
    Defect { id: "P8", tests: &["twenty_thousand_files_are_packaged"] },
];

#[test]
fn every_defect_has_its_tests() {
    let wanted = [("V", 20), ("R", 7), ("P", 8)]
        .into_iter()
        .flat_map(|(letter, count)| (1..=count).map(move |number| format!("{letter}{number}")));
    assert_eq!(DEFECTS.map(|defect| defect.id.to_owned()).to_vec(), wanted.collect::<Vec<_>>());
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sources = ["src", "tests"].iter().flat_map(|folder| files(&root.join(folder)));
    let rust = sources.filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    let texts: Vec<String> = rust.map(|path| fs_err::read_to_string(path).unwrap()).collect();
    let known: BTreeSet<&str> = texts.iter().flat_map(|text| tests(text)).collect();
    for defect in DEFECTS {
        assert!(!defect.tests.is_empty(), "{}", defect.id);
        for test in defect.tests {
            assert!(known.contains(test), "{}: there is no test `{test}`", defect.id);
        }
    }
}

/// Returns the names of the tests in a source text.
fn tests(text: &str) -> impl Iterator<Item = &str> {
    text.split("#[test]").skip(1).filter_map(|rest| {
        let (before, after) = rest.split_once("fn ")?;
        // A test that is ignored shows nothing.
        (!before.contains("#[ignore")).then(|| after.split('(').next().unwrap_or_default())
    })
}
