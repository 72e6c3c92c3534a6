using System.Diagnostics;

namespace PcieOe.FlashEndpoint.Timing;

/// <summary>The state of dies, buses, firmware and write buffer under one set of parameters, and how commands change it.</summary>
internal sealed class FlashModel
{
    private readonly FlashParameters _parameters;
    private readonly IFlashMapping _mapping;
    private readonly long _programUnitBytes;
    private readonly double _nanosecondsPerByte;
    private readonly CellTimes _cells;
    private Flash _flash;

    public FlashModel(FlashParameters parameters, IFlashMapping mapping)
    {
        _parameters = parameters;
        _mapping = mapping;
        _programUnitBytes = parameters.ProgramUnitBytes;
        _nanosecondsPerByte = 1000.0 / parameters.ChannelMegabytesPerSecond;
        _cells = new CellTimes(parameters);
        _flash = new Flash(parameters);
    }

    public FlashParameters Parameters => _parameters;

    /// <summary>Goes on where another model stands, if both have the same things to keep state of.</summary>
    public void Inherit(FlashModel previous)
    {
        FlashParameters before = previous._parameters;
        if (before.Channels == _parameters.Channels && before.DiesPerChannel == _parameters.DiesPerChannel &&
            before.PlanesPerDie == _parameters.PlanesPerDie && before.PageBytes == _parameters.PageBytes &&
            before.BitsPerCell == _parameters.BitsPerCell && before.WriteBufferBytes == _parameters.WriteBufferBytes &&
            before.Seed == _parameters.Seed)
        {
            _flash = previous._flash;
            _cells.ContinueFrom(previous._cells);
        }
    }

    public void Schedule(FlashOperation operation, long offset, long bytes, long now, out FlashTimes times)
    {
        times = default;
        long start = Math.Max(now, _flash.FirmwareFreeAt);
        _flash.FirmwareFreeAt = start + _parameters.FirmwareOccupancyNanoseconds;
        long ready = start + (operation == FlashOperation.Read ? _parameters.FirmwareReadNanoseconds : _parameters.FirmwareWriteNanoseconds);
        times.DoneNanoseconds = ready;
        switch (operation)
        {
            case FlashOperation.Read:
                Read(offset, bytes, now, ready, ref times);
                break;
            case FlashOperation.Write:
                Write(offset, bytes, now, ready, isForced: false, ref times);
                break;
            case FlashOperation.WriteThrough:
                Write(offset, bytes, now, ready, isForced: !_parameters.WriteBufferIsPowerProtected, ref times);
                break;
            case FlashOperation.Flush:
                if (!_parameters.WriteBufferIsPowerProtected)
                {
                    Flush(now, ready, ref times);
                }

                break;
        }

        times.QueueNanoseconds = times.DoneNanoseconds - now - times.CellNanoseconds - times.TransferNanoseconds;
        Debug.Assert(times.QueueNanoseconds >= 0);
    }

    private void Read(long offset, long bytes, long now, long ready, ref FlashTimes times)
    {
        long end = offset + bytes;
        while (offset < end)
        {
            (long page, long within) = Math.DivRem(offset, _parameters.PageBytes);
            long chunk = Math.Min(end - offset, _parameters.PageBytes - within);
            ReadPage(_mapping.Locate(page), chunk, now, ready, ref times);
            offset += chunk;
        }
    }

    private void ReadPage(FlashAddress address, long bytes, long now, long ready, ref FlashTimes times)
    {
        ref DieState die = ref _flash.Dies[address.Die];
        ref long planeFreeAt = ref _flash.PlaneFreeAt[(address.Die * _parameters.PlanesPerDie) + address.Plane];
        long cellStart = Math.Max(ready, die.FreeAt);
        if (_parameters.IndependentPlaneReads)
        {
            cellStart = Math.Max(cellStart, planeFreeAt);
        }

        long cell = _cells.Read(address.Bit);
        long transfer = TransferTime(bytes);
        long transferStart = _flash.Channels[address.Channel].Reserve(cellStart + cell, transfer, now);
        long done = transferStart + transfer;

        // The page register holds the data until it is out: only then can the next page be read into it.
        if (_parameters.IndependentPlaneReads)
        {
            planeFreeAt = done;
        }
        else
        {
            die.FreeAt = done;
        }

        Extend(ref times, done, cell, transfer);
    }

    private void Write(long offset, long bytes, long now, long ready, bool isForced, ref FlashTimes times)
    {
        long end = offset + bytes;
        bool isBuffered = _parameters.WriteBufferBytes > 0;
        while (offset < end)
        {
            (long page, long within) = Math.DivRem(offset, _parameters.PageBytes);
            long chunk = Math.Min(end - offset, _parameters.PageBytes - within);
            FlashAddress address = _mapping.Place(page);
            if (isBuffered)
            {
                ready = EnterBuffer(chunk, now, ready, ref times);
            }

            ref DieState die = ref _flash.Dies[address.Die];
            die.PendingBytes += chunk;
            bool isAwaited = isForced || !isBuffered;
            while (die.PendingBytes >= _programUnitBytes || (isAwaited && die.PendingBytes > 0))
            {
                long done = Program(address.Die, now, ready, out long cell, out long transfer);
                if (isAwaited)
                {
                    Extend(ref times, done, cell, transfer);
                }
            }

            offset += chunk;
        }
    }

    /// <summary>When the write buffer has room for <paramref name="bytes"/>, at <paramref name="time"/> at the earliest.</summary>
    private long EnterBuffer(long bytes, long now, long time, ref FlashTimes times)
    {
        _flash.Buffer.ReleaseUntil(time);
        while (!_flash.Buffer.TryTake(bytes))
        {
            if (_flash.Buffer.TryGetNextRelease(out long release))
            {
                time = Math.Max(time, release);
                _flash.Buffer.ReleaseUntil(time);
            }
            else
            {
                // All of it waits for company on some die: there will be none.
                Program(_flash.NextPendingDie(), now, time, out _, out _);
            }
        }

        Extend(ref times, time, cell: 0, transfer: 0);
        return time;
    }

    private void Flush(long now, long ready, ref FlashTimes times)
    {
        for (int die = 0; die < _flash.Dies.Length; die++)
        {
            if (_flash.Dies[die].PendingBytes > 0)
            {
                long done = Program(die, now, ready, out long cell, out long transfer);
                Extend(ref times, done, cell, transfer);
            }
        }

        // Programs booked earlier: the command waits for them, they are not its own work.
        Extend(ref times, _flash.LastProgramEnd, cell: 0, transfer: 0);
    }

    /// <summary>
    /// Moves what is pending for a die, a whole word line at most, over its bus and programs it, at <paramref name="earliest"/> or later.
    /// Returns when the cells have it. A word line programmed in part is spent as a whole.
    /// </summary>
    private long Program(int dieIndex, long now, long earliest, out long cell, out long transfer)
    {
        if (_parameters.WriteBufferBytes > 0)
        {
            while (_flash.Buffer.IsProgramQueueFull)
            {
                _flash.Buffer.TryGetNextRelease(out long release);
                earliest = Math.Max(earliest, release);
                _flash.Buffer.ReleaseUntil(earliest);
            }
        }

        ref DieState die = ref _flash.Dies[dieIndex];
        Span<long> planes = _flash.PlaneFreeAt.AsSpan(dieIndex * _parameters.PlanesPerDie, _parameters.PlanesPerDie);
        long start = Math.Max(earliest, die.FreeAt);
        foreach (long planeFreeAt in planes)
        {
            start = Math.Max(start, planeFreeAt);
        }

        long bytes = Math.Min(die.PendingBytes, _programUnitBytes);
        transfer = TransferTime(bytes);
        cell = _cells.Program();
        long transferStart = _flash.Channels[dieIndex / _parameters.DiesPerChannel].Reserve(start, transfer, now);
        long done = transferStart + transfer + cell;
        die.PendingBytes -= bytes;
        die.FreeAt = done;
        _flash.LastProgramEnd = Math.Max(_flash.LastProgramEnd, done);

        die.ProgrammedPages += _parameters.BitsPerCell;
        if (die.ProgrammedPages >= _parameters.PagesPerBlock)
        {
            die.ProgrammedPages -= _parameters.PagesPerBlock;
            die.FreeAt += _cells.Erase();
        }

        if (_parameters.WriteBufferBytes > 0)
        {
            _flash.Buffer.ReleaseAt(done, bytes);
        }

        return done;
    }

    private long TransferTime(long bytes) => Math.Max(1, _parameters.ChannelCommandNanoseconds + (long)(bytes * _nanosecondsPerByte));

    /// <summary>The page that is done last decides.</summary>
    private static void Extend(ref FlashTimes times, long done, long cell, long transfer)
    {
        if (done > times.DoneNanoseconds)
        {
            times.DoneNanoseconds = done;
            times.CellNanoseconds = cell;
            times.TransferNanoseconds = transfer;
        }
    }
}
