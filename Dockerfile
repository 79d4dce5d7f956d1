# The page, on the CPU: docker build -t deoldify . && docker run --rm --read-only -p 127.0.0.1:7860:7860 -v deoldify:/data deoldify
# For an NVIDIA GPU: --build-arg TORCH=https://download.pytorch.org/whl/cu128, and `docker run --gpus all`.
FROM python:3.12-slim

ARG TORCH=https://download.pytorch.org/whl/cpu
RUN useradd --system --create-home --home-dir /data --uid 10001 deoldify \
    && install -d -o deoldify /data/tmp /data/visitors /data/models

WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir torch torchvision --index-url "$TORCH" \
    && pip install --no-cache-dir -r requirements.txt

COPY app.py ./
COPY demo demo
COPY deoldify deoldify
COPY examples examples
COPY weights weights

ENV GRADIO_SERVER_NAME=0.0.0.0 \
    GRADIO_SERVER_PORT=7860 \
    GRADIO_TEMP_DIR=/data/visitors \
    HF_HOME=/data/models \
    HOME=/data \
    TMPDIR=/data/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1

USER deoldify
VOLUME /data
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + os.environ['GRADIO_SERVER_PORT'], timeout=8)"]
CMD ["python", "app.py"]
