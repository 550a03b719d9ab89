"use strict";
(() => {
  const players = [...document.querySelectorAll("article.clip")].filter((article) => article.querySelector("audio")).map(makePlayer);
  let current = players[0];
  document.body.classList.add("scripted");

  function makePlayer(article) {
    const seconds = Number(article.dataset.seconds);
    const audios = [...article.querySelectorAll("audio")];
    const buttons = [...article.querySelectorAll("button.source")];
    const play = article.querySelector("button.play");
    const seek = article.querySelector("input.seek");
    const time = article.querySelector("output.time");
    const video = article.querySelector("video.film");
    const offset = video ? Number(video.dataset.offset) : 0;
    let active = audios[0];
    let frame = 0;
    const player = { article, toggle, choose, move, pause, playing: () => !active.paused };

    audios.forEach((audio) => {
      audio.controls = false;
      audio.addEventListener("ended", () => { if (audio === active) { pause(); show(); } });
    });
    play.addEventListener("click", () => { current = player; toggle(); });
    buttons.forEach((button, place) => button.addEventListener("click", () => { current = player; choose(place); }));
    seek.addEventListener("input", () => { current = player; goTo(Number(seek.value)); });
    article.querySelectorAll("a[download]").forEach((link) => {
      link.href = audios.find((audio) => audio.dataset.source === link.dataset.source).src;
    });
    article.addEventListener("pointerdown", () => { current = player; });
    article.addEventListener("focusin", () => { current = player; });
    article.querySelectorAll(".plot").forEach((plot) => {
      const jump = (event) => {
        const box = plot.getBoundingClientRect();
        const begin = Number(plot.dataset.begin), end = Number(plot.dataset.end);
        goTo(((event.clientX - box.left) / box.width - begin) / (end - begin) * seconds);
      };
      plot.addEventListener("pointerdown", jump);
      plot.addEventListener("pointermove", (event) => { if (event.buttons & 1) jump(event); });
    });
    show();
    return player;

    function show() {
      const at = Math.min(active.currentTime, seconds);
      article.style.setProperty("--at", String(seconds ? at / seconds : 0));
      if (document.activeElement !== seek || !active.paused) seek.value = String(at);
      seek.setAttribute("aria-valuetext", `${at.toFixed(1)} of ${seconds.toFixed(1)} seconds`);
      time.textContent = `${at.toFixed(1)} / ${seconds.toFixed(1)} s`;
      if (video) align(at + offset);
    }
    function follow() {
      cancelAnimationFrame(frame);
      show();
      if (!active.paused) frame = requestAnimationFrame(follow);
    }
    function align(at) {
      // While both play, correct only noticeable gaps: every seek interrupts the video.
      if (Math.abs(video.currentTime - at) > (active.paused ? 0.01 : 0.15)) video.currentTime = at;
    }
    function marks() {
      const playing = !active.paused;
      article.classList.toggle("playing", playing);
      play.setAttribute("aria-label", playing ? "Pause" : "Play");
    }
    function start() {
      players.forEach((other) => { if (other !== player) other.pause(); });
      if (video) video.play().catch(() => {}); // a video that cannot be shown must not stop the audio
      const track = active;
      track.play().then(() => { if (track === active) follow(); }, (error) => {
        // Switching or pausing before playback has begun is not a failure.
        if (error.name === "AbortError") return;
        marks();
        time.textContent = "cannot be played";
      });
      marks();
    }
    function pause() { audios.forEach((audio) => audio.pause()); if (video) video.pause(); marks(); }
    function toggle() {
      if (active.paused) {
        if (active.currentTime >= seconds - 0.02) goTo(0);
        start();
      } else {
        pause();
      }
    }
    function goTo(at) { active.currentTime = Math.max(0, Math.min(seconds, at)); show(); }
    function move(by) { goTo(active.currentTime + by); }
    function choose(place) {
      const next = audios[place];
      if (!next || next === active) return;
      const playing = !active.paused;
      next.currentTime = active.currentTime;
      active.pause();
      active = next;
      buttons.forEach((button, i) => button.setAttribute("aria-pressed", String(i === place)));
      article.dataset.playing = next.dataset.source;
      if (playing) start(); else show();
    }
  }

  function keyTarget() {
    // The keys act on the clip used last; if it is paused and out of view, on the clip in view.
    const middle = innerHeight / 2;
    const distance = (player) => {
      const box = player.article.getBoundingClientRect();
      return Math.max(box.top - middle, middle - box.bottom, 0);
    };
    if (!current.playing() && distance(current) > middle) {
      const nearest = players.reduce((best, other) => (distance(other) < distance(best) ? other : best));
      if (distance(nearest) < middle) current = nearest;
    }
    return current;
  }

  const selectByHash = () => { current = players.find((player) => `#${player.article.id}` === location.hash) ?? current; };
  window.addEventListener("hashchange", selectByHash);
  selectByHash();
  document.addEventListener("keydown", (event) => {
    if (!current || event.ctrlKey || event.metaKey || event.altKey) return;
    const on = event.target instanceof Element ? event.target : document.body;
    const elsewhere = on.closest("summary, a, .scroll, pre") && !on.closest(".player");
    if (event.key === " " && !elsewhere) { event.preventDefault(); if (!event.repeat) keyTarget().toggle(); }
    else if (/^[1-9]$/.test(event.key)) keyTarget().choose(Number(event.key) - 1);
    else if (!elsewhere && (event.key === "ArrowLeft" || event.key === "ArrowRight")) {
      event.preventDefault();
      keyTarget().move(event.key === "ArrowLeft" ? -1 : 1);
    }
  });
  document.addEventListener("keyup", (event) => {
    if (event.key === " " && event.target instanceof Element && event.target.closest(".player")) event.preventDefault();
  });
})();
