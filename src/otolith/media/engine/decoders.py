"""The decoders that may run at all: sound only, so that pictures and video in a file stay shut."""

from typing import Final

_NAMES: Final = """
    aac aac_latm ac3 adpcm_ct adpcm_g722 adpcm_g726 adpcm_g726le adpcm_ima_amv adpcm_ima_qt
    adpcm_ima_wav adpcm_ms adpcm_swf adpcm_yamaha alac amrnb amrwb ape dca dsd_lsbf dsd_lsbf_planar
    dsd_msbf dsd_msbf_planar eac3 flac g722 g726 g726le gsm gsm_ms libopencore_amrnb libopencore_amrwb
    libopus libspeex libvorbis mlp mp1 mp1float mp2 mp2float mp3 mp3adu mp3adufloat mp3float mp3on4
    mp3on4float mpc7 mpc8 nellymoser opus pcm_alaw pcm_bluray pcm_dvd pcm_f16le pcm_f24le pcm_f32be
    pcm_f32le pcm_f64be pcm_f64le pcm_mulaw pcm_s16be pcm_s16be_planar pcm_s16le pcm_s16le_planar
    pcm_s24be pcm_s24le pcm_s24le_planar pcm_s32be pcm_s32le pcm_s32le_planar pcm_s64be pcm_s64le pcm_s8
    pcm_s8_planar pcm_u16be pcm_u16le pcm_u24be pcm_u24le pcm_u32be pcm_u32le pcm_u8 pcm_vidc speex
    truehd tta vorbis wavpack wmalossless wmapro wmav1 wmav2 wmavoice
"""

DECODERS: Final = frozenset(_NAMES.split())
