var e=function(e,t){return(e[t]<<8|e[t+1])>>>0};function t(t){for(var r={},n=0;n<t.length;n+=3)r["ch"+t[n]]=e(t,n+1);return r}function r(e){return{data:t(e.bytes)}}export{r as decodeUplink};
