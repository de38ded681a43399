"""A job: what it may say, how it is read, how it is saved."""

import dataclasses
import json

import pytest

from plugin.core.errors import InputError, RunError
from plugin.core.job import DEFAULT_BASE_MODEL, Job, Settings, load_job


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a job file and returns its path."""

    def write(content, encoding="utf-8"):
        path = tmp_path / "job.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding=encoding)
        return path

    return write


def refusal_of(path):
    with pytest.raises(InputError) as caught:
        load_job(path)
    assert caught.value.hint
    return caught.value


def test_a_job_needs_no_more_than_a_raster_and_labels(write):
    job = load_job(write({"raster": "/data/town.tif", "labels": "/data/houses.gpkg"}))
    assert job == Job("/data/town.tif", "/data/houses.gpkg")
    assert job.base_model == DEFAULT_BASE_MODEL
    assert job.settings == Settings()


def test_a_saved_job_is_read_back_as_it_was(tmp_path):
    settings = Settings(epochs=4, learning_rate=1e-4, batch_size=2, simplify_m=0.3, seed=9, device="cpu")
    job = Job("/ä b/r.tif", "/l.gpkg", "roofs", "/a.gpkg", "ground", bands=(3, 2, 1), name="Zürich", settings=settings)
    job = dataclasses.replace(job, block_roles=("3=held-out", "12=left-out"))
    job.save(tmp_path / "job.json")
    assert load_job(tmp_path / "job.json") == job


def test_a_job_is_saved_by_renaming_so_that_the_old_one_stays_until_the_new_one_is_whole(tmp_path, monkeypatch):
    path = tmp_path / "job.json"
    Job("/old.tif", "/l.gpkg").save(path)
    seen = {}
    replace = type(path).replace

    def spy(self, target):
        seen["old"] = json.loads(path.read_text("utf-8"))["raster"]
        seen["new"] = json.loads(self.read_text("utf-8"))["raster"]
        return replace(self, target)

    monkeypatch.setattr(type(path), "replace", spy)
    Job("/new.tif", "/l.gpkg").save(path)
    assert seen == {"old": "/old.tif", "new": "/new.tif"}
    assert [item.name for item in tmp_path.iterdir()] == ["job.json"]
    assert load_job(path).raster == "/new.tif"


def test_a_job_that_cannot_be_saved_says_so_with_a_next_step(tmp_path):
    in_the_way = tmp_path / "folder"
    in_the_way.write_text("a file", "utf-8")
    with pytest.raises(RunError, match="could not be written") as caught:
        Job("/r.tif", "/l.gpkg").save(in_the_way / "job.json")
    assert caught.value.hint


def test_relative_paths_are_taken_from_the_jobs_own_folder(write, tmp_path):
    job = load_job(
        write({"raster": "in/r.tif", "labels": "../l.gpkg", "areas": "a.gpkg", "base_model": "tuned/model.json"})
    )
    assert job.raster == str(tmp_path / "in/r.tif")
    assert job.labels == str(tmp_path / "../l.gpkg")
    assert job.areas == str(tmp_path / "a.gpkg")
    assert job.base_model == str(tmp_path / "tuned/model.json")


def test_a_base_model_is_a_name_unless_it_is_a_file(write, tmp_path):
    fields = {"raster": "r.tif", "labels": "l.gpkg"}
    assert load_job(write({**fields, "base_model": "imagenet_lite0"})).base_model == "imagenet_lite0"
    by_weights = load_job(write({**fields, "base_model": "tuned/model.safetensors"})).base_model
    assert by_weights == str(tmp_path / "tuned/model.safetensors")


def test_no_areas_stay_no_areas(write):
    assert load_job(write({"raster": "r.tif", "labels": "l.gpkg"})).areas == ""


def test_a_job_file_with_a_byte_order_mark_is_read(write):
    """Notepad writes one."""
    assert load_job(write({"raster": "/r.tif", "labels": "/l.gpkg"}, encoding="utf-8-sig")).raster == "/r.tif"


def test_a_missing_job_file_is_refused(tmp_path):
    assert "There is no job file" in refusal_of(tmp_path / "none.json").message


@pytest.mark.parametrize("content", ["", "{", "raster: r.tif", "\x00"])
def test_a_job_file_that_is_no_json_is_refused(write, content):
    assert "cannot be read" in refusal_of(write(content)).message


@pytest.mark.parametrize("content", ["[]", "3", "null", '"r.tif"'])
def test_a_job_file_that_holds_no_object_is_refused(write, content):
    assert "must hold a JSON object" in refusal_of(write(content)).message


@pytest.mark.parametrize("name", ["a\0b.tif", "a\ud800b.tif"])
def test_what_can_be_no_name_of_a_file_is_refused(write, name):
    assert "is no name of a file" in refusal_of(write({"raster": name, "labels": "l.gpkg"})).message


def test_a_misspelt_field_is_refused_and_the_near_name_is_told(write):
    error = refusal_of(write({"raster": "r.tif", "labels": "l.gpkg", "base_modle": "x"}))
    assert '"base_modle"' in error.message
    assert error.hint == 'Did you mean "base_model"?'


def test_a_misspelt_setting_is_refused_and_the_near_name_is_told(write):
    error = refusal_of(write({"raster": "r.tif", "labels": "l.gpkg", "settings": {"epoch": 3}}))
    assert '"epoch"' in error.message
    assert error.hint == 'Did you mean "epochs"?'


def test_a_field_like_no_other_is_refused_with_the_known_ones(write):
    error = refusal_of(write({"raster": "r.tif", "labels": "l.gpkg", "zzz": 1}))
    assert all(item.name in error.hint for item in dataclasses.fields(Job))


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"raster": 5}, '"raster" must be text, not 5.'),
        ({"raster": None}, '"raster" must be text, not null.'),
        ({"base_model": 3}, '"base_model" must be text, not 3.'),
        ({"bands": "123"}, '"bands" must be a list of whole numbers, not "123".'),
        ({"bands": [1, "2"]}, '"bands" must be a list of whole numbers, not [1, "2"].'),
        ({"bands": [1.5]}, '"bands" must be a list of whole numbers, not [1.5].'),
        ({"block_roles": "1=training"}, '"block_roles" must be a list of texts, not "1=training".'),
        ({"block_roles": [1]}, '"block_roles" must be a list of texts, not [1].'),
        ({"settings": {"epochs": "three"}}, '"epochs" must be a whole number or null, not "three".'),
        ({"settings": {"epochs": 2.5}}, '"epochs" must be a whole number or null, not 2.5.'),
        ({"settings": {"epochs": True}}, '"epochs" must be a whole number or null, not true.'),
        ({"settings": {"square": "yes"}}, '"square" must be true or false, not "yes".'),
        ({"settings": {"square": 1}}, '"square" must be true or false, not 1.'),
        ({"settings": {"recipe": 3}}, '"recipe" must be text, not 3.'),
        ({"settings": {"min_area_m2": None}}, '"min_area_m2" must be a number, not null.'),
        ({"settings": {"seed": "x"}}, '"seed" must be a whole number, not "x".'),
        ({"settings": {"device": ["cpu"]}}, '"device" must be text, not ["cpu"].'),
    ],
)
def test_a_value_of_the_wrong_type_is_refused_by_its_name(write, fields, sentence):
    assert sentence in refusal_of(write({"raster": "r.tif", "labels": "l.gpkg", **fields})).message


def test_settings_that_are_no_object_are_refused(write):
    assert '"settings"' in refusal_of(write({"raster": "r.tif", "labels": "l.gpkg", "settings": [1]})).message


def test_null_settings_and_bands_mean_the_usual_ones(write):
    job = load_job(write({"raster": "/r.tif", "labels": "/l.gpkg", "settings": None, "bands": None}))
    assert job.settings == Settings()
    assert job.bands == ()


def test_all_problems_are_told_together(write):
    settings = {"epochs": 0, "learning_rate": 2, "held_out_share": 0.9, "device": "tpu"}
    message = refusal_of(write({"bands": [0], "block_roles": ["1"], "settings": settings})).message
    for part in (
        "No raster",
        "No labels",
        "A changed block",
        "Bands are counted",
        "Epochs",
        "learning rate",
        "held-out",
        "device",
    ):
        assert part in message


def test_all_wrong_types_are_told_together(write):
    message = refusal_of(write({"raster": 1, "labels": 2, "settings": {"seed": []}})).message
    assert all(f'"{name}"' in message for name in ("raster", "labels", "seed"))


@pytest.mark.parametrize(
    "settings",
    [
        {"epochs": 0},
        {"epochs": 1001},
        {"learning_rate": 0},
        {"learning_rate": float("nan")},
        {"batch_size": 0},
        {"min_area_m2": -1},
        {"min_area_m2": float("inf")},
        {"min_area_m2": 10**400},
        {"simplify_m": -0.1},
        {"held_out_share": 0},
        {"validation_share": 0.5},
        {"held_out_share": 0.6, "validation_share": 0.4},
        {"seed": -1},
        {"device": "gpu"},
        {"threads": -1},
        {"shift_east_m": 100.5},
        {"shift_north_m": -100.5},
        {"shift_north_m": float("nan")},
    ],
    ids=str,
)
def test_a_setting_out_of_its_range_is_refused(write, settings):
    error = refusal_of(write({"raster": "r.tif", "labels": "l.gpkg", "settings": settings}))
    assert " must " in error.message


@pytest.mark.parametrize(
    "settings",
    [
        {"epochs": 1, "batch_size": 1, "min_area_m2": 0, "simplify_m": 0, "threads": 0, "seed": 0},
        {"epochs": 1000, "learning_rate": 1, "batch_size": 512, "min_area_m2": 1_000_000, "simplify_m": 100},
        {"held_out_share": 0.05, "validation_share": 0.05},
        {"held_out_share": 0.5, "validation_share": 0.3},
        {"shift_east_m": 100, "shift_north_m": -100},
    ],
    ids=str,
)
def test_a_setting_at_the_end_of_its_range_is_taken(write, settings):
    load_job(write({"raster": "r.tif", "labels": "l.gpkg", "settings": settings}))


def test_a_job_made_by_a_form_checks_itself_too():
    with pytest.raises(InputError, match=r"No raster is chosen\. No labels are chosen\."):
        Job("", "").check()


def test_the_recipe_is_the_models_own_or_the_plain_one_of_2019(write):
    fields = {"raster": "/r.tif", "labels": "/l.gpkg"}
    assert load_job(write(fields)).settings.recipe == "model"
    assert load_job(write({**fields, "settings": {"recipe": "solaris_2019"}})).settings.recipe == "solaris_2019"
    assert "The recipe must be one of model, solaris_2019." in Settings(recipe="2019").find_problems()


def test_right_angles_can_be_left_away(write):
    fields = {"raster": "/r.tif", "labels": "/l.gpkg"}
    assert load_job(write(fields)).settings.square is True
    assert load_job(write({**fields, "settings": {"square": False}})).settings.square is False


def test_a_layer_may_stand_behind_the_files_name(tmp_path):
    content = {"raster": "town.tif", "labels": "town.gpkg|houses", "areas": "town.gpkg|layername=ground"}
    path = tmp_path / "job.json"
    path.write_text(json.dumps(content))
    job = load_job(path)
    assert (job.labels, job.labels_layer) == (str(tmp_path / "town.gpkg"), "houses")
    assert (job.areas, job.areas_layer) == (str(tmp_path / "town.gpkg"), "ground")


def test_two_layers_for_one_file_are_refused(tmp_path):
    path = tmp_path / "job.json"
    path.write_text(json.dumps({"raster": "town.tif", "labels": "town.gpkg|houses", "labels_layer": "parcels"}))
    with pytest.raises(InputError, match='"houses" and "parcels"'):
        load_job(path)
