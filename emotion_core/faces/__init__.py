from emotion_core.moved import attributes

__getattr__ = attributes(__name__, "finder")
