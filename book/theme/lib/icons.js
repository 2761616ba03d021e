// Small drawings, inline: no font and no request.
export const raw = (value) => ({ type: "raw", value });

const PATHS = {
  mark: '<path d="M2 19 9 6l4 7"/><path d="m9.5 19 5.5-9 7 9"/>',
  menu: '<path d="M4 7h16M4 12h16M4 17h16"/>',
  search: '<circle cx="11" cy="11" r="6.5"/><path d="m16 16 4.5 4.5"/>',
  theme: '<circle cx="12" cy="12" r="8"/><path class="filled" d="M12 4a8 8 0 0 1 0 16z"/>',
  down: '<path d="M12 4v11m-5-4 5 5 5-5M5 20h14"/>',
  pencil: '<path d="m4 20 1-5L16 4l4 4L9 19z"/>',
  speech: '<path d="M4 5h16v11h-9l-5 4v-4H4z"/>',
  quote: '<path d="M5 16v-5c0-3 1.5-4.500 4-5M14 16v-5c0-3 1.500-4.500 4-5M5 16h4v-4H5m9 4h4v-4h-4"/>',
  feed: '<path d="M5 11a8 8 0 0 1 8 8M5 5a14 14 0 0 1 14 14"/><circle class="filled" cx="6" cy="18" r="1"/>',
  calendar: '<path d="M4 6h16v14H4zM4 10h16M8 3v4m8-4v4"/>',
};

export const icon = (name) => raw(`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">${PATHS[name]}</svg>`);

export const FAVICON = `data:image/svg+xml,${encodeURIComponent(
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="#15756a" stroke-width="2.4" stroke-linecap="round" stroke-linejoin="round">${PATHS.mark}</svg>`,
)}`;
