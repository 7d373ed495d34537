# The web app on the processor, as a plain user. docker build -t emotion . && docker run -p 7860:7860 emotion
FROM python:3.12-slim-bookworm

# Builds of PyTorch and torchvision without CUDA; an empty value takes PyPI's, which are larger by gigabytes.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore \
    PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1

WORKDIR /app
COPY packages.txt requirements.txt ./
RUN apt-get update \
    && xargs -a packages.txt apt-get install -y --no-install-recommends \
    && rm -rf /var/lib/apt/lists/*
# The last two lines leave one OpenCV, the headless one: the others need a desktop's libraries.
RUN { [ -z "$TORCH_INDEX" ] || pip install --index-url "$TORCH_INDEX" $(grep '^torch==' requirements.txt) torchvision; } \
    && pip install -r requirements.txt \
    && pip uninstall -y opencv-python opencv-contrib-python \
    && pip install --force-reinstall --no-deps $(grep '^opencv-python-headless==' requirements.txt)

# Hugging Face runs Docker Spaces as user 1000.
RUN useradd --create-home --uid 1000 user
USER user
ENV HOME=/home/user GRADIO_ANALYTICS_ENABLED=False
COPY --chown=user . .

EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:7860/healthz', timeout=4)"]
CMD ["python", "app.py", "--host", "0.0.0.0", "--port", "7860"]
