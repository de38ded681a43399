"""What of a raster holds data: as the file says, and where that is plainly wrong or not enough, as its values say."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.io import DatasetReader
from rasterio.windows import Window

from .collars import WHOLE, Collar, find_collars
from .nodata_patches import look_at_patches, read_rule_mask
from .stray_values import Stray, find_strays, is_apart, measure_outliers
from .windows import spread_windows, touches_border

_SAMPLE_PX = 1024
_SIDE_PX, _MOST_ACROSS = 128, 8
_LEAST_ON_BORDER = 9
_OPAQUE = (1.0, 255.0, 32767.0, 65535.0)
_MOSTLY = 0.5
_MOST_FLOAT = 1e38
_EVERYTHING = (-_MOST_FLOAT, _MOST_FLOAT)
_UNSET = "Raster > Conversion > Translate, -a_nodata none"
_SET_NODATA = "Set it as nodata (Raster > Conversion > Translate, Assign a specified NoData value)."


@dataclass(frozen=True)
class Remark:
    """What is to be told of a raster's values, and what to do: ``kind`` is a finding's."""

    kind: str
    message: str
    hint: str


@dataclass(frozen=True)
class DataRule:
    """Which values of a raster's ``bands`` are data, where the file's own masks do not do.

    ``nodata`` holds each band's value that is none (None: there is none), ``limits`` (low, high) beyond which none is.
    Where ``is_colour``, a band that alone holds its nodata value holds a colour of that value. ``mask`` is what else
    tells: "" nothing, "mask,1" the file's mask, "4" its band of transparency. ``collars`` are undeclared ones.
    """

    bands: tuple[int, ...]
    nodata: tuple[float | None, ...]
    is_colour: tuple[bool, ...]
    limits: tuple[tuple[float, float], ...]
    mask: str = ""
    collars: tuple[Collar, ...] = ()

    def judge(
        self, read: NDArray[Any], place: tuple[float, float, float, float] = WHOLE
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.bool_]]:
        """Return values, where one is missing (bands, height, width), and which pixels (height, width) hold data.

        ``read`` is what the dataset of ``describe_vrt`` holds at a ``place``: left, top, right, bottom, from 0 to 1
        over the whole. A pixel holds data where half of its bands do, unless a collar covers it; what is missing is 0.
        """
        count = len(self.bands)
        with np.errstate(over="ignore"):
            values = read[:count].astype("float32")
        low, high = (np.array(limit, "float32")[:, None, None] for limit in zip(*self.limits, strict=True))
        present = np.isfinite(values) & (values >= low) & (values <= high)
        is_colour = np.array(self.is_colour)
        valid = present.sum(axis=0) >= max(1, np.ceil((~is_colour).sum() / 2))
        if self.mask:
            valid &= read[count] > 0
        for collar in self.collars:
            valid &= ~collar.covers(values, place)
        colours = np.array([value if own else 0 for value, own in zip(self.nodata, is_colour, strict=True)], "float32")
        values = np.where(present, values, colours[:, None, None])
        return values, ~present & ~is_colour[:, None, None], valid


@dataclass(frozen=True)
class Survey:
    """What a look at a raster came to: what of it holds data, and what is to be told of it.

    ``is_mended`` where the file's own masks do not say the same as the ``rule``. ``samples`` are values of each band,
    thinned out, of which none is missing; {} where none were looked at.
    """

    rule: DataRule
    is_mended: bool = False
    remarks: tuple[Remark, ...] = ()
    samples: dict[int, NDArray[np.float32]] = field(default_factory=dict)


def survey_values(dataset: DatasetReader, bands: tuple[int, ...]) -> Survey:
    """Look at a raster's ``bands`` (0: none of the raster's), thinned out to 1024 x 1024 pixels.

    Of bytes a transparency and the border are looked at: any value is a colour elsewhere, and their stretch is known.
    """
    present = tuple(dict.fromkeys(filter(None, bands)))
    alpha, imagery = sort_alpha(dataset)
    remarks = [_describe_alpha(band) for band in imagery]
    nodata = tuple(_read_nodata(dataset, band) for band in present)
    mask = _find_mask(dataset, present, alpha)
    declared = [dataset.nodatavals[band - 1] for band in present]
    is_mended = bool(imagery) or len(set(declared)) > 1 or (nodata.count(None) != declared.count(None))
    is_mended |= bool(mask) and not _is_masked_by_gdal(dataset, present)
    if all(dataset.dtypes[band - 1] == "uint8" for band in present):
        rule = DataRule(present, nodata, (True,) * len(present), (_EVERYTHING,) * len(present), mask)
        return _mask_collars(dataset, _unmask_imagery(dataset, Survey(rule, is_mended, tuple(remarks)), 255.0))
    looks = [_look_at_band(dataset, band, own, mask) for band, own in zip(present, nodata, strict=True)]
    strays = {look.band: look.strays for look in looks}
    remarks += [*_describe_strays(strays), *_describe_outliers(looks)]
    is_mended |= any(look.is_mended for look in looks)
    rule = DataRule(
        present,
        tuple(look.nodata for look in looks),
        tuple(look.is_colour for look in looks),
        tuple(look.limits for look in looks),
        mask,
    )
    survey = Survey(rule, is_mended, tuple(remarks), {look.band: look.values for look in looks})
    ranges = [float(np.ptp(np.percentile(look.values, (1, 99)))) for look in looks if look.values.size]
    return _mask_collars(dataset, _unmask_imagery(dataset, survey, max(ranges, default=0.0)))


def _mask_collars(dataset: DatasetReader, survey: Survey) -> Survey:
    """Return the survey with the black or white collars that the file does not declare."""
    rule = survey.rule
    planes: list[NDArray[np.float32]] = []

    def read_planes() -> NDArray[np.float32]:
        looks = zip(rule.bands, rule.nodata, strict=True)
        planes.extend(read_sample(dataset, band, nodata, rule.mask) for band, nodata in looks)
        return np.stack(planes)

    collars = find_collars(dataset, rule.bands, read_planes)
    if not collars:
        return survey
    values = np.stack(planes)
    is_shown = ~np.any([collar.covers(values) for collar in collars], axis=0)
    samples = {band: plane[is_shown & np.isfinite(plane)] for band, plane in zip(rule.bands, values, strict=True)}
    remarks = (*survey.remarks, *(_describe_collar(collar) for collar in collars))
    return Survey(replace(rule, collars=collars), True, remarks, samples)


def _describe_collar(collar: Collar) -> Remark:
    colour = "black" if collar.is_dark else "white"
    sentence = (
        f"{collar.share:.1%} of the raster is a {colour} collar along its border: "
        "it is read as nodata, which the file does not declare."
    )
    if collar.is_even:
        return Remark("undeclared_nodata", sentence, _SET_NODATA)
    return Remark("undeclared_nodata", sentence, "Mask it (Raster > Analysis > Near Black).")


def _unmask_imagery(dataset: DatasetReader, survey: Survey, spread: float) -> Survey:
    """Return the survey without a nodata value that is imagery's own; ``spread`` is that of the values.

    Where that is likely, but not certain, it is merely told.
    """
    rule, (value, *others) = survey.rule, set(survey.rule.nodata)
    is_declared = not others and value is not None and value in dataset.nodatavals
    if not is_declared and not rule.mask:
        return survey
    patches = look_at_patches(dataset, rule.bands, value if is_declared else None, rule.mask, spread)
    if is_declared and all(rule.is_colour) and patches.is_imagery:
        sentence = f"Imagery holds the nodata value {value:g} in shadows or bright roofs: it is read as imagery."
        remark = Remark("nodata_is_imagery", sentence, f"Unset it ({_UNSET}).")
        rule = replace(rule, nodata=(None,) * len(rule.bands), is_colour=(False,) * len(rule.bands))
        return replace(survey, rule=rule, is_mended=True, remarks=(*survey.remarks, remark))
    if not patches.is_built:
        return survey
    cause = f"hold the nodata value {value:g}" if is_declared else "are masked"
    sentence = f"Patches as large as buildings {cause}: nothing is found there."
    hint = "Are they buildings? Then the raster's mask or transparency is wrong: export it again without."
    if is_declared:
        hint = f"If imagery has this value, unset it ({_UNSET})."
    return replace(survey, remarks=(*survey.remarks, Remark("nodata_is_imagery", sentence, hint)))


@dataclass(frozen=True)
class _Look:
    """A band: its nodata value, whether it may be a colour, its values, and those that stray from all others."""

    band: int
    nodata: float | None
    is_colour: bool
    limits: tuple[float, float]
    values: NDArray[np.float32]
    strays: list[Stray]
    is_mended: bool


def _look_at_band(dataset: DatasetReader, band: int, nodata: float | None, mask: str) -> _Look:
    plane = read_sample(dataset, band, nodata, mask)
    has_holes = np.dtype(dataset.dtypes[band - 1]).kind == "f" and nodata is None and bool(np.isnan(plane).any())
    strays = find_strays(plane, dataset.dtypes[band - 1])
    plain = [stray.value for stray in strays if stray.is_plain]
    values = plane[np.isfinite(plane) & ~np.isin(plane, plain)]
    is_colour = nodata is not None and not is_apart(nodata, values)
    low, high = _EVERYTHING
    others = [value for value in (*plain, *([] if is_colour or nodata is None else [nodata])) if np.isfinite(value)]
    if values.size:
        ends = np.percentile(values, (0.1, 99.9))
        low = max([(value + ends[0]) / 2 for value in others if value < ends[0]], default=low)
        high = min([(value + ends[1]) / 2 for value in others if value > ends[1]], default=high)
    is_mended = bool(plain) or (nodata is not None and not is_colour) or has_holes
    if nodata is None and plain:
        nodata = plain[0]
    return _Look(band, nodata, is_colour, (max(low, -_MOST_FLOAT), min(high, _MOST_FLOAT)), values, strays, is_mended)


def read_sample(dataset: DatasetReader, band: int, nodata: float | None, mask: str) -> NDArray[np.float32]:
    """Return a band, thinned out, NaN where it holds no data."""
    shape = sample_shape(dataset)
    with np.errstate(over="ignore"):
        plane = dataset.read(band, out_shape=shape).astype("float32")
        valid = np.isfinite(plane)
        if nodata is not None:
            valid &= plane != np.float32(nodata)
    if mask:
        valid &= read_rule_mask(dataset, mask, out_shape=shape) > 0
    plane[~valid] = np.nan
    return plane


def sort_alpha(dataset: DatasetReader) -> tuple[list[int], list[int]]:
    """Return the bands that are transparency, and those that are merely called alpha.

    Transparency is 0 or opaque in most of its pixels, looked at in up to 8 x 8 windows of 128 px; or there is but one
    other value than 0, and 0 lies on the border.
    """
    alpha: list[int] = []
    imagery: list[int] = []
    for band, kind in enumerate(dataset.colorinterp, 1):
        if kind == ColorInterp.alpha:
            (alpha if _is_transparency(dataset, band) else imagery).append(band)
    return alpha, imagery


def _is_transparency(dataset: DatasetReader, band: int) -> bool:
    windows = spread_windows(Window(0, 0, dataset.width, dataset.height), _SIDE_PX, _MOST_ACROSS)
    planes = [dataset.read(band, window=window) for window in windows]
    values = np.concatenate([plane.ravel() for plane in planes])
    shown = values[values != 0]
    if shown.size == 0 or np.isin(shown, _OPAQUE).mean() >= _MOSTLY:
        return True
    is_on_border = any(
        touches_border(plane == 0, window, dataset, _LEAST_ON_BORDER)
        for plane, window in zip(planes, windows, strict=True)
    )
    return is_on_border and bool((shown == shown[0]).all())


def _is_masked_by_gdal(dataset: DatasetReader, bands: Sequence[int]) -> bool:
    """Tell whether GDAL honours a mask or a transparency on any grid: next to one or three bands of 8 or 16 bits."""
    flags = dataset.mask_flag_enums[bands[0] - 1]
    count = dataset.count + (MaskFlags.alpha not in flags)
    is_known = all(dataset.dtypes[band - 1] in ("uint8", "uint16") for band in bands)
    has_nodata = any(value is not None for value in dataset.nodatavals)
    return MaskFlags.per_dataset in flags and count in (2, 4) and is_known and not has_nodata


def _find_mask(dataset: DatasetReader, bands: Sequence[int], alpha: list[int]) -> str:
    flags = dataset.mask_flag_enums[bands[0] - 1]
    if MaskFlags.per_dataset in flags and MaskFlags.alpha not in flags:
        return f"mask,{bands[0]}"
    return str(alpha[0]) if alpha else ""


def _read_nodata(dataset: DatasetReader, band: int) -> float | None:
    """Return a band's nodata value, None where it has none, or one that its kind of values does not know."""
    value, kind = dataset.nodatavals[band - 1], np.dtype(dataset.dtypes[band - 1])
    if value is None:
        return None
    if kind.kind == "f":
        return float(value)
    ends = np.iinfo(kind)
    return float(value) if ends.min <= value <= ends.max else None


def _describe_alpha(band: int) -> Remark:
    sentence = f"Band {band} is called alpha, but its values are not those of a transparency: nothing is masked by it."
    hint = f"Is it near-infrared? Then name it so (Raster > Conversion > Translate, -colorinterp_{band} nir)."
    return Remark("no_transparency", sentence, hint)


def _describe_strays(strays: dict[int, list[Stray]]) -> Iterator[Remark]:
    found: dict[tuple[float, bool], dict[int, float]] = {}
    for band, each in strays.items():
        for stray in each:
            if stray.is_common:
                found.setdefault((stray.value, stray.is_plain), {})[band] = stray.share
    for (value, is_plain), shares in found.items():
        where = _name_bands(shares)
        sentence = f"{max(shares.values()):.1%} of the values in {where} are {value:g}, far from all others"
        if is_plain:
            told, hint = "they are read as nodata, which the file does not declare.", _SET_NODATA
        else:
            told, hint = "the file does not declare them as nodata.", f"Do they hold no data? {_SET_NODATA}"
        yield Remark("undeclared_nodata", f"{sentence}: {told}", hint)


def _name_bands(bands: Iterable[int]) -> str:
    names = [str(band) for band in bands]
    return f"band {names[0]}" if len(names) == 1 else f"bands {', '.join(names)}"


def _describe_outliers(looks: list[_Look]) -> Iterator[Remark]:
    shares = {look.band: share for look in looks if (share := measure_outliers(look.values))}
    if not shares:
        return
    values = next(look.values for look in looks if look.band in shares)
    middle = float(np.median(values))
    far = float(values[np.argmax(np.abs(values - middle))])
    end = float(np.percentile(values, 99 if far > middle else 1))
    where = _name_bands(shares)
    sentence = (
        f"{max(shares.values()):.1%} of the values in {where} lie far from all others, as far as {far:g}: "
        f"a stretch over all values runs to {end:g}."
    )
    yield Remark("outliers", sentence, "Clip them, or set them to nodata (Raster > Raster Calculator).")


def describe_vrt(dataset: DatasetReader, rule: DataRule) -> str:
    """Return a virtual raster of the rule's bands as floats, NaN where a band holds its nodata value.

    What else tells where there is data is a band of transparency from 0 to 1, the last one.
    """
    is_wide = any(dataset.dtypes[band - 1] in ("float64", "int32", "uint32") for band in rule.bands)
    kind = "Float64" if is_wide else "Float32"
    lines = [
        f'<VRTDataset rasterXSize="{dataset.width}" rasterYSize="{dataset.height}">',
        f"<SRS>{html.escape(dataset.crs.to_wkt())}</SRS>",
        f"<GeoTransform>{', '.join(map(repr, dataset.transform.to_gdal()))}</GeoTransform>",
    ]
    for number, (band, nodata) in enumerate(zip(rule.bands, rule.nodata, strict=True), 1):
        lines.append(f'<VRTRasterBand dataType="{kind}" band="{number}"><NoDataValue>nan</NoDataValue>')
        value = "nan" if nodata is None else repr(nodata)
        lines.append(_describe_source(dataset, str(band), f"<NODATA>{value}</NODATA>"))
    if rule.mask:
        lines.append(f'<VRTRasterBand dataType="{kind}" band="{len(rule.bands) + 1}"><ColorInterp>Alpha</ColorInterp>')
        lines.append(_describe_source(dataset, rule.mask, "<LUT>0:0,1:1</LUT>"))
    return "".join([*lines, "</VRTDataset>"])


def _describe_source(dataset: DatasetReader, band: str, how: str) -> str:
    name = html.escape(dataset.name)
    return (
        f'<ComplexSource><SourceFilename relativeToVRT="0">{name}</SourceFilename>'
        f"<SourceBand>{band}</SourceBand>{how}</ComplexSource></VRTRasterBand>"
    )


def sample_shape(dataset: DatasetReader) -> tuple[int, int]:
    """Return the height and width to which a raster is thinned out for its statistics."""
    return (min(dataset.height, _SAMPLE_PX), min(dataset.width, _SAMPLE_PX))


def read_mask(
    dataset: DatasetReader, bands: tuple[int, ...], window: Window | None, shape: tuple[int, int] | None
) -> NDArray[np.bool_]:
    """Return where a band that is used holds data, by nodata value, alpha or mask: a 0 in one colour is a colour."""
    present = dict.fromkeys(filter(None, bands))
    masks = [dataset.read_masks(band, window=window, out_shape=shape) for band in present]
    return np.asarray(np.max(masks, axis=0) > 0)
