using System.Diagnostics;
using PcieOe.Daemon.Configuration;
using PcieOe.Daemon.Workers;
using PcieOe.Protocol.Discovery;
using PcieOe.Protocol.Ethernet;
using PcieOe.Protocol.Frames;
using PcieOe.Protocol.Handshake;
using PcieOe.Protocol.Keys;
using PcieOe.Transport.Polling;
using PcieOe.Transport.Ports;

namespace PcieOe.Cli.Discovery;

/// <summary>Asks a segment for its targets, for as long as somebody cares to wait.</summary>
internal static class SegmentScan
{
    private const int Batch = 16;

    internal static IReadOnlyList<DiscoveredTarget> Run(PortSettings settings, string hostName, byte[]? key, TimeSpan duration, CancellationToken cancellation)
    {
        using IPort port = PortOpener.Open(settings, []);
        EthernetFraming framing = PortOpener.Framing(settings);
        using FrameBatch batch = new(framing, port.MaximumTransmissionUnit);
        HostCredential? credential = key is null ? null : new HostCredential(hostName, key);
        DiscoveryClient client = new(hostName, credential, SystemRandomSource.Instance, MonotonicClock.Nanoseconds);
        ReceivedFrame[] received = new ReceivedFrame[Batch];
        Stopwatch watch = Stopwatch.StartNew();
        while (watch.Elapsed < duration)
        {
            cancellation.ThrowIfCancellationRequested();
            int count = port.Receive(received);
            for (int i = 0; i < count; i++)
            {
                if (framing.Accepts(received[i].Bytes))
                {
                    client.OnFrame(received[i].Bytes[EthernetFraming.ReceivedHeaderLength..], EthernetFraming.SourceOf(received[i].Bytes));
                }
            }

            port.Release();
            client.OnTimer(MonotonicClock.Nanoseconds);

            // One by one: the client writes each frame to the same place.
            while (client.TryGetFrameToSend(batch.NextHeader, out ReadOnlySpan<byte> content, out MacAddress destination))
            {
                batch.Add(FrameHeader.Length, content, destination, port.Address, 0);
                port.Send(batch.Frames);
                batch.Clear();
            }

            if (count == 0)
            {
                cancellation.WaitHandle.WaitOne(TimeSpan.FromMilliseconds(1));
            }
        }

        return client.Targets;
    }
}
