using System.Buffers.Binary;
using PcieOe.Daemon.Workers;
using PcieOe.Protocol.Ethernet;
using PcieOe.Protocol.Frames;
using PcieOe.Protocol.Keys;
using PcieOe.Protocol.Link;
using PcieOe.Transport.Ports.Packet;

namespace PcieOe.Cli.LinkBench;

/// <summary>
/// One end of the links of a measurement: a port and an engine for each session, and the poll round that the daemons make too: receive,
/// hand to the engines, send what they have.
/// </summary>
internal sealed class LinkNode : ILinkControlSink, IDisposable
{
    private const int SessionsPerMeasurement = 256;
    private const int FramesInARow = 4;
    private const int SessionIdOffset = EthernetHeader.UntaggedLength + 4;

    private readonly BenchContext _context;
    private readonly LinkEngine[] _engines;
    private readonly FrameCipher?[] _ciphers;
    private readonly FrameBatch _batch;
    private readonly uint _firstSession;
    private int _next;

    /// <param name="sinkOf">Who receives the TLPs of a session.</param>
    internal LinkNode(BenchContext context, Func<int, ITlpSink> sinkOf, long now)
    {
        _context = context;
        _firstSession = (uint)(context.Order.Number * SessionsPerMeasurement);
        _engines = new LinkEngine[context.Order.Sessions];
        _ciphers = new FrameCipher?[context.Order.Sessions];
        LinkOptions options = new() { MaximumTransmissionUnit = context.Port.MaximumTransmissionUnit };
        _batch = new FrameBatch(new EthernetFraming(PacketPortOptions.DefaultEtherType, null, 0), options.MaximumTransmissionUnit);
        for (int i = 0; i < _engines.Length; i++)
        {
            _ciphers[i] = context.Order.IsKeyed ? MakeCipher(i, context.Order.IsInitiator) : null;
            _engines[i] = new LinkEngine(options, _ciphers[i], _firstSession + (uint)i, sinkOf(i), this, now);
        }
    }

    internal ReadOnlySpan<LinkEngine> Engines => _engines;

    /// <summary>Frames sent again, all sessions together.</summary>
    internal long Retransmissions
    {
        get
        {
            long sum = 0;
            foreach (LinkEngine engine in _engines)
            {
                ref readonly LinkCounters counters = ref engine.Counters;
                sum += counters.FastRetransmits + counters.ProbeRetransmits + counters.TimerRetransmits;
            }

            return sum;
        }
    }

    /// <summary>Takes in what has come.</summary>
    internal void Receive(long now)
    {
        int count = _context.Port.Receive(_context.Received);
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> frame = _context.Received[i].Bytes;
            if (frame.Length < EthernetHeader.UntaggedLength + FrameHeader.Length)
            {
                continue;
            }

            uint session = BinaryPrimitives.ReadUInt32BigEndian(frame[SessionIdOffset..]) - _firstSession;
            if (session < (uint)_engines.Length)
            {
                _engines[session].OnFrame(frame[EthernetHeader.UntaggedLength..], now);
            }
        }

        _context.Port.Release();
    }

    /// <summary>Sends what the engines have, a few frames of each in turn.</summary>
    /// <param name="source">Fills the engines, each just before its turn, so that content leaves while it is still in the cache; null: nobody does.</param>
    internal void Send(long now, ILaneSource? source = null)
    {
        int idle = 0;
        while (idle < _engines.Length && !_batch.IsFull)
        {
            int owner = _next;
            _next = _next + 1 == _engines.Length ? 0 : _next + 1;
            source?.Fill(_engines[owner], owner, FramesInARow);
            idle = Collect(owner, now) == FramesInARow ? 0 : idle + 1;
        }

        int sent = _context.Port.Send(_batch.Frames);
        for (int i = sent; i < _batch.Count; i++)
        {
            _engines[_batch.OwnerOf(i)].OnSendFailed(1);
        }

        _batch.Clear();
    }

    public void OnControl(FrameType type, ReadOnlySpan<byte> content, in FrameHeader header, long now)
    {
    }

    public void Dispose()
    {
        _batch.Dispose();
        foreach (LinkEngine engine in _engines)
        {
            engine.Dispose();
        }

        foreach (FrameCipher? cipher in _ciphers)
        {
            cipher?.Dispose();
        }
    }

    private int Collect(int owner, long now)
    {
        LinkEngine engine = _engines[owner];
        if (engine.NextDeadline <= now)
        {
            engine.OnTimer(now);
        }

        int frames = 0;
        while (frames < FramesInARow && !_batch.IsFull && engine.TryGetFrameToSend(now, _batch.NextHeader, _batch.NextScratch, out ReadOnlySpan<byte> content))
        {
            _batch.Add(FrameHeader.Length, content, _context.Peer, _context.Port.Address, owner);
            frames++;
        }

        return frames;
    }

    /// <summary>Secrets that only the two workers of a measurement share; what matters here is what sealing costs.</summary>
    private static FrameCipher MakeCipher(int session, bool isInitiator)
    {
        Span<byte> there = stackalloc byte[FrameCipher.SecretBytes];
        Span<byte> back = stackalloc byte[FrameCipher.SecretBytes];
        there.Fill((byte)session);
        back.Fill((byte)~session);
        return isInitiator ? new FrameCipher(there, back) : new FrameCipher(back, there);
    }
}
