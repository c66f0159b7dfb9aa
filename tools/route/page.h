/* The page at /: engines, tiers, rates, staleness, as the service sees them now. */
#ifndef TOOLS_ROUTE_PAGE_H
#define TOOLS_ROUTE_PAGE_H

static const char route_page[] =
    "<!DOCTYPE html><html lang=en><meta charset=utf-8><title>kvstrata route</title><style>"
    "body{font:14px system-ui;margin:2em}table{border-collapse:collapse}td,th{padding:.3em .8em;text-align:right;"
    "border-bottom:1px solid #ccc}td:first-child,th:first-child,td:nth-child(2),th:nth-child(2){text-align:left}"
    ".stale{background:#fff3cd}</style><h1>kvstrata route</h1><p "
    "id=when>waiting</p><table><thead><tr><th>engine<th>model"
    "<th>rank<th>device<th>host<th>disk<th>external<th>batches/s<th>lost<th>refused<th>restarts<th>state</tr></thead>"
    "<tbody id=rows></tbody></table><script>\n"
    "const before=new Map();let last=0;\n"
    "const cell=(row,text)=>{row.insertCell().textContent=text};\n"
    "const source=new EventSource('events');\n"
    "source.onmessage=e=>{const now=Date.now(),rows=document.getElementById('rows');rows.replaceChildren();\n"
    "for(const w of JSON.parse(e.data).workers){const "
    "r=rows.insertRow(),k=w.instance_id+'/'+w.dp_rank+'/'+w.model_name;\n"
    "cell(r,w.instance_id);cell(r,w.model_name);cell(r,w.dp_rank);for(const t of ['device','host','disk','external'])"
    "cell(r,w.blocks[t]);\n"
    "const b=before.get(k);cell(r,b===undefined||now<=last?'':((w.applied-b)*1000/(now-last)).toFixed(1));"
    "before.set(k,w.applied);\n"
    "cell(r,w.lost);cell(r,w.refused);cell(r,w.restarts);cell(r,w.failed?'failed':w.stale?'stale':'in step');"
    "if(w.stale||w.failed)r.className='stale'}\n"
    "last=now;document.getElementById('when').textContent=new Date().toLocaleTimeString()};\n"
    "</script></html>\n";

#endif
