using PcieOe.Protocol.Ethernet;
using PcieOe.Transport.Polling;
using PcieOe.Transport.Ports;
using PcieOe.Transport.Ports.Packet;

namespace PcieOe.Cli.LinkBench;

/// <summary>What a measurement has to work with: the port, the order, and the word to stop.</summary>
internal sealed class BenchContext(PacketPort port, BenchOrder order)
{
    /// <summary>Frames received at once.</summary>
    internal const int BatchFrames = 64;

    private volatile bool _isStopped;

    internal PacketPort Port => port;

    internal BenchOrder Order => order;

    internal ReceivedFrame[] Received { get; } = new ReceivedFrame[BatchFrames];

    internal MacAddress Peer { get; } = MacAddress.TryParse(order.PeerAddress, out MacAddress peer)
        ? peer
        : throw new FormatException($"'{order.PeerAddress}' is not an Ethernet address.");

    /// <summary>The one who answers goes on until told to stop; written by the thread that reads orders, read by the one that measures.</summary>
    internal bool IsStopped => _isStopped;

    internal long End { get; } = MonotonicClock.Nanoseconds + order.Milliseconds * 1_000_000L;

    internal void Stop() => _isStopped = true;

    /// <summary>Throws away what an earlier measurement left in the port.</summary>
    internal void DiscardStragglers()
    {
        while (port.Receive(Received) > 0)
        {
            port.Release();
        }

        port.Release();
    }
}
