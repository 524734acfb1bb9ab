"""What --save fetches, and where it puts it."""

from __future__ import annotations

from hyponet.headless.__main__ import main

from .scripted import failing, saved, show_files


def test_save_keeps_class_folders(server, flow, tmp_path):
    show_files(
        server,
        ("datasets/pets/cat", "000000.png", b"cat"),
        ("datasets/pets/dog", "000000.png", b"dog"),
        ("", "000000.png", b"none"),
        (r"datasets\pets\bird", "000000.png", b"bird"),  # a server on Windows
    )
    server.outputs["3"]["images"] = server.outputs["1"]["images"][:1]  # two nodes show one file
    assert main(["run", str(flow), "--url", server.url, "--save", str(tmp_path / "to")]) == 0
    assert saved(tmp_path / "to") == {
        "datasets/pets/cat/000000.png": b"cat",
        "datasets/pets/dog/000000.png": b"dog",
        "datasets/pets/bird/000000.png": b"bird",
        "000000.png": b"none",
    }


def test_save_replaces_nothing(server, flow, tmp_path, capsys):
    arguments = ["run", str(flow), "--url", server.url, "--save", str(tmp_path / "to")]
    for content in (b"one", b"two", b"two", b"three"):
        show_files(server, ("cat", "0.png", content))
        assert main(arguments) == 0
    assert saved(tmp_path / "to") == {"cat/0.png": b"one", "cat/0-2.png": b"two", "cat/0-3.png": b"three"}
    assert capsys.readouterr().err.count("was there already with other content") == 3


def test_save_stays_in_its_folder(server, flow, tmp_path):
    """A server that means harm names places elsewhere."""
    show_files(server, ("../..", "a.png", b"a"), ("/etc", "b.png", b"b"), ("C:\\x", "..\\c.png", b"c"))
    before = saved(tmp_path)
    assert main(["run", str(flow), "--url", server.url, "--save", str(tmp_path / "in" / "to")]) == 0
    after = saved(tmp_path)
    assert {name for name in after if name not in before} == {"in/to/a.png", "in/to/etc/b.png", "in/to/C_/x/c.png"}


def test_names_that_windows_does_not_take_are_saved_under_others(server, flow, tmp_path):
    """A server on Linux may show them; Windows opens a device for the first, and drops the end of the second."""
    show_files(server, ("CON", "nul.png", b"device"), ("cat. ", "a?.png", b"mark"), ("cat", "a_.png", b"other"))
    assert main(["run", str(flow), "--url", server.url, "--save", str(tmp_path / "to")]) == 0
    assert saved(tmp_path / "to") == {"_CON/_nul.png": b"device", "cat/a_.png": b"mark", "cat/a_-2.png": b"other"}


def test_folders_that_differ_in_case_alone_replace_nothing_where_that_is_no_difference(
    server, flow, tmp_path, monkeypatch
):
    """Windows' and macOS' file systems: `Cat` and `cat` are one folder."""

    def open_as_there(path, mode):
        return open(path.parent.parent / path.parent.name.lower() / path.name, mode)

    (tmp_path / "to" / "cat").mkdir(parents=True)
    monkeypatch.setattr("hyponet.headless.save.open", open_as_there, raising=False)
    show_files(server, ("Cat", "0.png", b"upper"), ("cat", "0.png", b"lower"))
    assert main(["run", str(flow), "--url", server.url, "--save", str(tmp_path / "to")]) == 0
    assert sorted(saved(tmp_path / "to").values()) == [b"lower", b"upper"]


def test_a_file_that_the_server_cannot_send_is_a_failure(server, flow, tmp_path, capsys):
    show_files(server, ("cat", "0.png", b"0"))
    server.files = {}
    assert main(["run", str(flow), "--url", server.url, "--save", str(tmp_path / "to")]) == 1
    assert "shows 0.png but cannot send it" in capsys.readouterr().err
    assert saved(tmp_path / "to") == {}


def test_what_a_failed_run_showed_is_saved_too(server, flow, tmp_path, capsys):
    show_files(server, ("cat", "0.png", b"0"))
    failing("execution_interrupted")(server)
    assert main(["run", str(flow), "--url", server.url, "--save", str(tmp_path / "to")]) == 1
    assert saved(tmp_path / "to") == {"cat/0.png": b"0"}
    assert "--- Generate\n8 images" in capsys.readouterr().out
