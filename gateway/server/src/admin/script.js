// Shows times in the reader's own zone, and keeps the page as things are now. The page works without it.
(() => {
    'use strict';
    const main = document.querySelector('main');
    const local = () => {
        const two = number => String(number).padStart(2, '0');
        for (const time of document.querySelectorAll('time[datetime]')) {
            const at = new Date(time.dateTime);
            const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
            time.textContent = `${day} ${two(at.getHours())}:${two(at.getMinutes())}`;
        }
    };
    const refresh = async () => {
        // Whoever types, reads with a keyboard or has marked something is left alone.
        if (document.hidden || main.contains(document.activeElement) || !getSelection().isCollapsed) return;
        const answer = await fetch(location.href, { headers: { 'x-frontdesk-refresh': '1' }, redirect: 'manual' });
        if (answer.type === 'opaqueredirect') return location.reload();
        if (!answer.ok) return;
        const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
        main.replaceChildren(...page.querySelector('main').childNodes);
        local();
    };
    local();
    setInterval(() => refresh().catch(() => {}), Number(main.dataset.refresh) * 1000);
})();
