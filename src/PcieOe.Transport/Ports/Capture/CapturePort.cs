using PcieOe.Protocol.Ethernet;
using PcieOe.Transport.Polling;

namespace PcieOe.Transport.Ports.Capture;

/// <summary>A port whose frames, in both directions, are recorded in a file: received ones with the kernel's timestamp where there is one.</summary>
public sealed unsafe class CapturePort<TPort>(TPort inner, CaptureFile file) : IPort
    where TPort : IPort
{
    public string Name => inner.Name;

    public MacAddress Address => inner.Address;

    public int MaximumTransmissionUnit => inner.MaximumTransmissionUnit;

    public PortState State => inner.State;

    public int PollDescriptor => inner.PollDescriptor;

    public ref readonly PortCounters Counters => ref inner.Counters;

    public CaptureFile File => file;

    public int Receive(Span<ReceivedFrame> batch)
    {
        int count = inner.Receive(batch);
        if (count > 0)
        {
            long now = MonotonicClock.RealtimeNanoseconds;
            foreach (ref readonly ReceivedFrame frame in batch[..count])
            {
                long timestamp = frame.TimestampNanoseconds == 0 ? now : frame.TimestampNanoseconds;
                file.Record(frame.Bytes, default, frame.VlanTag, timestamp, FrameDirection.Received);
            }
        }

        return count;
    }

    public void Release() => inner.Release();

    /// <summary>Frames that the port did not take are not in the file. They are recorded after they are sent, as sending comes first.</summary>
    public int Send(ReadOnlySpan<OutgoingFrame> batch)
    {
        long now = MonotonicClock.RealtimeNanoseconds;
        int sent = inner.Send(batch);
        foreach (ref readonly OutgoingFrame frame in batch[..sent])
        {
            file.Record(new ReadOnlySpan<byte>(frame.Header, frame.HeaderLength), new ReadOnlySpan<byte>(frame.Content, frame.ContentLength), 0, now, FrameDirection.Sent);
        }

        return sent;
    }

    public void Dispose()
    {
        inner.Dispose();
        file.Dispose();
    }
}
