// In the place of the scroll bars that Grafana uses: a picture does not scroll.

import React from 'react';

export default class Scrollbars extends React.Component {
  render() {
    return <div style={{ width: '100%', height: '100%', overflow: 'hidden' }}>{this.props.children}</div>;
  }
}
