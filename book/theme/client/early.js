// Runs before anything is painted: the reader's colours, and closed contents on a phone.
const chosen = localStorage.getItem("minga_theme");
if (chosen) document.documentElement.dataset.theme = chosen;
document.documentElement.classList.add("script");

window.minga = {
  closeContentsOnPhone() {
    if (matchMedia("(max-width: 62rem)").matches) {
      document.querySelector("[data-contents]").open = false;
    }
  },
};
