"""What the headers of a file say, written into its media row."""

from otolith.media.listening import Sound
from otolith.media.models import Media


def describe(media: Media, sound: Sound) -> None:
    media.container, media.codec, media.mime = sound.container, sound.codec, sound.mime
    media.sample_rate, media.channels, media.bits = sound.rate, sound.channels, sound.bits
    media.bit_rate, media.lossless = sound.bit_rate, sound.lossless
    media.duration = sound.duration
