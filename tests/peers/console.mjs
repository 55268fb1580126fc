// Debian's Chromium at the operator's pages: console.mjs CHECK ADMIN-URL TOKEN. One browser for each check; it ends with an error
// at the first surprise and prints what a test waits for. FRONTDESK_SCREENSHOTS names a folder for pictures of every page.
import assert from 'node:assert';
import { createRequire } from 'node:module';

const { chromium } = createRequire(`${process.env.FRONTDESK_PEERS}/`)('playwright-core');
const [check, base, token] = process.argv.slice(2);
const PAGES = ['', '/back-ends', '/requests', '/validation', '/audit?patient=shown', '/system'];
const PHONE = { width: 360, height: 740 };
const DESK = { width: 1280, height: 900 };

const browser = await chromium.launch({
    executablePath: process.env.FRONTDESK_BROWSER ?? '/usr/bin/chromium',
    args: process.getuid() === 0 ? ['--no-sandbox'] : [],
});

const open = async (options = {}) => {
    const context = await browser.newContext({ viewport: DESK, ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(20_000);
    page.on('dialog', dialog => { throw new Error(`a script ran: ${dialog.message()}`); });
    return page;
};

const signIn = async page => {
    await page.goto(`${base}/admin`);
    await page.getByLabel('Token').fill(token);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
};

const picture = (page, name) => process.env.FRONTDESK_SCREENSHOTS
    && page.screenshot({ path: `${process.env.FRONTDESK_SCREENSHOTS}/${name}.png`, fullPage: true });

const checks = {
    async 'wrong-token'() {
        const page = await open();
        await page.goto(`${base}/admin/requests`);
        const guess = async () => {
            await page.getByLabel('Token').fill('a guess');
            await page.getByRole('button', { name: 'Sign in' }).click();
            return page.getByRole('alert').innerText();
        };
        assert.match(await guess(), /not the token/);
        for (let count = 0; count < 3; count++) await guess();
        await page.getByLabel('Token').fill(token);
        await page.getByRole('button', { name: 'Sign in' }).click();
        assert.match(await page.getByRole('alert').innerText(), /Too many wrong tokens/);
        await picture(page, 'refused');
        await page.waitForTimeout(2500);
        await page.getByLabel('Token').fill(token);
        await page.getByRole('button', { name: 'Sign in' }).click();
        await page.getByRole('heading', { name: 'Requests', level: 1 }).waitFor();
    },

    // Every page at two widths: nothing scrolls sideways, every table has headers, nothing is refused by the page's own policy.
    async tour() {
        for (const [name, viewport] of [['desk', DESK], ['phone', PHONE]]) {
            for (const colorScheme of ['light', 'dark']) {
                const page = await open({ viewport, colorScheme });
                const complaints = [];
                page.on('console', message => message.type() === 'error' && complaints.push(message.text()));
                page.on('pageerror', error => complaints.push(`${error}`));
                await page.goto(`${base}/admin`);
                await picture(page, `${name}-${colorScheme}-sign-in`);
                await signIn(page);
                for (const path of PAGES) {
                    await page.goto(`${base}/admin${path}`);
                    const found = await page.evaluate(() => ({
                        wide: document.scrollingElement.scrollWidth - window.innerWidth,
                        bare: [...document.querySelectorAll('table')].filter(of => !of.caption || !of.querySelector('thead th[scope=col]')).length,
                        unnamed: [...document.querySelectorAll('input:not([type=hidden]), select')].filter(of => !of.labels.length).length,
                        landmarks: ['header', 'nav', 'main', 'footer'].filter(name => document.querySelectorAll(name).length !== 1),
                    }));
                    assert.deepEqual(found, { wide: Math.min(found.wide, 0), bare: 0, unnamed: 0, landmarks: [] }, `${path} ${name}`);
                    await picture(page, `${name}-${colorScheme}${path.replace(/\W/g, '-') || '-overview'}`);
                }
                assert.deepEqual(complaints, [], name);
                await page.context().close();
            }
        }
    },

    async keyboard() {
        const page = await open();
        await page.goto(`${base}/admin`);
        await page.keyboard.type(token);
        await page.keyboard.press('Enter');
        await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
        await page.keyboard.press('Tab');
        assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Skip to the content');
        await page.keyboard.press('Enter');
        assert.equal(await page.evaluate(() => document.activeElement.id), 'main');
        await page.reload();
        for (let count = 0; count < 3; count++) await page.keyboard.press('Tab');
        await page.keyboard.press('Enter');
        await page.getByRole('heading', { name: 'Back ends', level: 1 }).waitFor();
        await page.getByRole('link', { name: 'Audit' }).press('Enter');
        await page.getByLabel('Patient id').focus();
        await page.keyboard.type('shown');
        await page.keyboard.press('Enter');
        await page.getByText('read Patient/shown').first().waitFor();
        await page.getByRole('button', { name: 'Sign out' }).press('Enter');
        await page.getByLabel('Token').waitFor();
    },

    async 'no-script'() {
        const page = await open({ javaScriptEnabled: false });
        await signIn(page);
        await page.getByRole('link', { name: 'Audit' }).click();
        await page.getByLabel('Patient id').fill('shown');
        await page.getByRole('button', { name: 'Show' }).click();
        await page.getByText('read Patient/shown').first().waitFor();
        assert.match(await page.locator('time').first().innerText(), /UTC$/);
        await page.getByRole('link', { name: 'Back ends' }).click();
        await page.getByRole('cell', { name: 'Works' }).first().waitFor();
        await page.getByRole('button', { name: 'Sign out' }).click();
        await page.getByLabel('Token').waitFor();
    },

    // What others wrote is text, and a script that got into the page all the same would not run.
    async hostile() {
        const page = await open();
        await signIn(page);
        for (const path of ['', '/back-ends', '/requests', '/system']) {
            await page.goto(`${base}/admin${path}`);
            await page.getByText('window.ran').first().waitFor();
            assert.equal(await page.locator('main img, main script').count(), 0, path);
        }
        const blocked = await page.evaluate(() => new Promise(resolve => {
            const told = [];
            document.addEventListener('securitypolicyviolation', event => told.push(event.effectiveDirective));
            const script = document.createElement('script');
            script.textContent = 'window.ran = true';
            const image = document.createElement('img');
            image.setAttribute('onerror', 'window.ran = true');
            image.src = 'https://127.0.0.1:9/x';
            document.body.append(script, image);
            setTimeout(() => resolve(told.sort()), 500);
        }));
        assert.ok(blocked.includes('script-src-elem') && blocked.includes('img-src'), `${blocked}`);
        assert.equal(await page.evaluate(() => window.ran), undefined);
    },

    async 'sign-out'() {
        const page = await open();
        await signIn(page);
        const cookies = await page.context().cookies();
        assert.deepEqual(cookies.map(({ httpOnly, sameSite, path }) => ({ httpOnly, sameSite, path })), [{ httpOnly: true, sameSite: 'Strict', path: '/admin' }]);
        await page.getByRole('button', { name: 'Sign out' }).click();
        await page.getByLabel('Token').waitFor();
        await page.context().addCookies(cookies);
        await page.goto(`${base}/admin/system`);
        await page.getByLabel('Token').waitFor();
        await page.goBack();
        assert.equal(await page.getByRole('heading', { name: 'Overview' }).count(), 0, 'nothing was kept');
    },

    // The page is never loaded again by hand: it shows by itself that a back end goes away and comes back.
    async outage() {
        const page = await open();
        await signIn(page);
        await page.getByText('Everything works').waitFor();
        console.log('up');
        await page.getByRole('heading', { name: 'ehr is down' }).waitFor({ timeout: 60_000 });
        await page.getByText('Check that it runs').waitFor();
        await picture(page, 'outage');
        console.log('down');
        await page.getByText('Everything works').waitFor({ timeout: 60_000 });
    },
};

try {
    await checks[check]();
    console.log('done');
} finally {
    await browser.close();
}
