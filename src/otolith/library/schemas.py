"""The shapes in which the library answers."""

import datetime as dt
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from otolith.library.catalogue.links import Role
from otolith.library.catalogue.models import TermKind
from otolith.library.models import TrackState

Sort = Literal["added", "title", "artist"]


class NamedTrack(BaseModel):
    """What every list of tracks says of each."""

    id: UUID = Field(description="The track.")
    workspace_id: UUID = Field(description="Whose it is.")
    media_id: UUID = Field(description="Its file; stream it from /media/{id}/stream.")
    title: str = Field(description="Title, or the file's name.")
    artist: str = Field(description="Artist; empty where unknown.")
    album: str = Field(description="Album; empty where unknown.")


class SummedUpTrack(NamedTrack):
    """A track in a list that tells in short what it is and how it sounds."""

    album_id: UUID | None = Field(description="Its album.")
    genre: str = Field(description="Genres, with semicolons between.")
    year: int | None = Field(description="Year, where the tags tell one.")
    duration: float | None = Field(description="Seconds.")
    cover_key: str | None = Field(description="Names its picture.")
    tempo: float | None = Field(description="Beats a minute.")
    camelot: str | None = Field(description="The key on the Camelot wheel, such as 8A.")
    energy: float | None = Field(description="How lively, from 0 to 1.")


class TrackFile(BaseModel):
    """The file of a track."""

    media_id: UUID = Field(description="Stream it from /media/{id}/stream.")
    name: str = Field(description="The file's name.")
    size: int = Field(description="Bytes.")
    container: str | None = Field(description="The file format.")
    codec: str | None = Field(description="The codec.")
    sample_rate: int | None = Field(description="Hz.")
    channels: int | None = Field(description="Number of channels.")
    bits: int | None = Field(description="Bits a sample, where the codec is lossless.")
    bit_rate: int | None = Field(description="Bits a second.")
    lossless: bool | None = Field(description="Whether the codec keeps every sample.")
    missing: bool = Field(description="Whether the file was gone at the last scan.")
    sha256: str | None = Field(description="Hash of the content, once it was read whole.")


class TrackFeatures(BaseModel):
    """How a track sounds; null where the question has no answer."""

    duration: float = Field(description="Seconds.")
    tempo: float | None = Field(description="Beats a minute.")
    tempo_confidence: float | None = Field(description="0 to 1.")
    key: str | None = Field(description="The tonic, such as C#.")
    mode: Literal["major", "minor"] | None = Field(description="major or minor.")
    camelot: str | None = Field(description="The key on the Camelot wheel, such as 8A.")
    key_confidence: float | None = Field(description="0 to 1.")
    loudness_lufs: float | None = Field(description="Integrated loudness (EBU R 128).")
    loudness_range_lu: float | None = Field(description="Loudness range (EBU Tech 3342).")
    true_peak_dbtp: float | None = Field(description="True peak (ITU-R BS.1770).")
    energy: float | None = Field(description="How lively, from 0 to 1.")
    voice: float | None = Field(description="How likely somebody sings or speaks, from 0 to 1; a hint.")
    onset_rate: float | None = Field(description="Notes and strokes that begin, a second.")
    brightness: float | None = Field(description="Median spectral centroid in Hz.")
    dynamics_db: float | None = Field(description="How far strokes stand above the level around them, in dB.")
    silence_start: float | None = Field(description="Seconds of silence before the sound.")
    silence_end: float | None = Field(description="Seconds of silence after the sound.")


class TrackSegment(BaseModel):
    """A part of a track that sounds different from what is around it."""

    start: float = Field(description="Seconds.")
    end: float = Field(description="Seconds.")
    kind: Literal["intro", "part", "loud", "outro"] = Field(description="What it is to the whole.")
    level_db: float = Field(description="Its level against that of the whole track, in dB.")


class TrackTimbre(BaseModel):
    """How the spectrum of a track leans, over its sounding parts."""

    rolloff: float | None = Field(default=None, description="Hz below which 85 % of the magnitudes lie.")
    bass_db: float | None = Field(default=None, description="Share of the power below 250 Hz, in dB.")
    treble_db: float | None = Field(default=None, description="Share of the power above 4 kHz, in dB.")
    noisiness: float | None = Field(default=None, description="0 for pure tones, 1 for noise.")
    movement: float | None = Field(default=None, description="Mean change of a band in 93 ms, in dB.")


class AllTrackFeatures(TrackFeatures):
    """Everything that was heard in a track, but for its beats, waveform and fingerprint."""

    segments: list[TrackSegment] = Field(description="The parts, one after the other; none in very short tracks.")
    timbre: TrackTimbre = Field(description="How the spectrum leans.")
    embedding: list[float] | None = Field(
        description="A vector of unit length; the cosine of two says how alike they sound. Null for hardly any sound."
    )
    engines: dict[str, int] = Field(description="The engines that heard it, with their versions.")


class NotedOddity(BaseModel):
    """Something odd about a file that could be heard all the same."""

    kind: str = Field(description="A name for programs.")
    detail: str = Field(description="A sentence for people.")


class TrackItem(NamedTrack):
    """A track in a list."""

    album_id: UUID | None = Field(description="Its album; null where the file names none.")
    duration: float | None = Field(description="Seconds.")
    state: TrackState = Field(description="Whether it was analysed.")
    error: str | None = Field(description="Why its analysis failed.")
    missing: bool = Field(description="Whether the file was gone at the last scan.")
    added_at: dt.datetime = Field(description="When it joined the library.")
    features: TrackFeatures | None = Field(description="How it sounds, once analysed.")


class CreditItem(BaseModel):
    """Somebody's part in a track."""

    role: Role = Field(description="The part.")
    artist_id: UUID = Field(description="The artist.")
    name: str = Field(description="The name as the file writes it.")


class LabelItem(BaseModel):
    """A genre or mood of a track."""

    id: UUID = Field(description="The genre or mood.")
    kind: TermKind = Field(description="genre or mood.")
    name: str = Field(description="As the file writes it.")


class TrackGain(BaseModel):
    """ReplayGain as the file tells it: gains in dB relative to -18 LUFS, peaks as a share of full scale."""

    track_gain: float | None = Field(description="For the track alone.")
    track_peak: float | None = Field(description="The highest sample of the track.")
    album_gain: float | None = Field(description="For the album as a whole.")
    album_peak: float | None = Field(description="The highest sample of the album.")


class TrackDetail(TrackItem):
    """One track with all that is known of it."""

    album_artist: str = Field(description="Album artist; empty where unknown.")
    genre: str = Field(description="Genres, with semicolons between.")
    date: str = Field(description="Date as precise as the file tells.")
    track_number: int | None = Field(description="Number on its disc.")
    track_total: int | None = Field(description="Tracks on its disc, as the file tells.")
    disc_number: int | None = Field(description="Number of its disc.")
    disc_total: int | None = Field(description="Discs of its album, as the file tells.")
    year: int | None = Field(description="The year of its date.")
    compilation: bool = Field(description="Whether the file says that it is of a compilation.")
    recording_mbid: str | None = Field(description="MusicBrainz' identifier of the recording.")
    release_mbid: str | None = Field(description="MusicBrainz' identifier of the release.")
    credits: list[CreditItem] = Field(description="Who has a part in it.")
    labels: list[LabelItem] = Field(description="Its genres and moods.")
    replaygain: TrackGain | None = Field(description="ReplayGain, where the file holds it.")
    changed_at: dt.datetime = Field(description="When anything here last changed.")
    file: TrackFile = Field(description="Its file.")
    engines: dict[str, int] = Field(description="The engines that heard it, with their versions.")
    analysed_at: dt.datetime | None = Field(description="When it was heard.")
    warnings: list[NotedOddity] = Field(description="What was odd about the file.")
    fingerprint: str | None = Field(description="Chromaprint of the first two minutes, as AcoustID takes it.")


class TrackBeats(BaseModel):
    """The beats of a track."""

    beats: list[float] = Field(description="Seconds.")


class TracksWanted(BaseModel):
    """The tracks to read."""

    ids: list[UUID] = Field(max_length=500, description="At most 500 ids; one that occurs twice is answered twice.")


class TracksRead(BaseModel):
    """Many tracks at once."""

    items: list[TrackItem] = Field(description="The tracks, in the order asked for.")
    missing: list[UUID] = Field(description="The ids of which there is no track, or none that you may see.")
